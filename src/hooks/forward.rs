//! Every other entry point: a naked jump, no signature, and the reason that is enough.

use crate::driver::Entry;

macro_rules! forward {
    ($($reason:literal => $($name:ident)+;)*) => {
        $($(
            #[allow(non_snake_case)]
            mod $name {
                entry!(
                    $name,
                    $crate::driver::Library::Cuda,
                    $crate::driver::Kind::Forwarded {
                        reason: $crate::hooks::table::c_str(concat!($reason, "\0")),
                    }
                );
            }
        )+)*
        pub const ENTRIES: &[&Entry] = &[$($(&$name::ENTRY),+),*];
        pub const NAMES: &[&str] = &[$($(stringify!($name)),+),*];
    };
}

/// Where a first call goes (`arch`): loads the library behind the entry, then takes its slot again.
#[unsafe(naked)]
pub unsafe extern "C" fn open_and_retry() {
    open_and_retry!(open)
}

extern "C" fn open(entry: &'static Entry) {
    super::open(entry.library);
}

forward! {
    "The 32-bit ABI of CUDA 3.1 and earlier: other argument sizes than the `_v2` name, moves or describes what other rows charged." =>
        cuArray3DGetDescriptor cuArrayGetDescriptor cuGLMapBufferObject
        cuGLMapBufferObjectAsync cuGraphAddKernelNode cuGraphExecKernelNodeSetParams
        cuGraphKernelNodeGetParams cuGraphKernelNodeSetParams
        cuGraphicsResourceGetMappedPointer cuMemAllocHost cuMemHostGetDevicePointer
        cuMemcpy2D cuMemcpy2DAsync cuMemcpy2DUnaligned cuMemcpy3D cuMemcpy3DAsync
        cuMemcpyAtoA cuMemcpyAtoD cuMemcpyAtoH cuMemcpyAtoHAsync cuMemcpyDtoA cuMemcpyDtoD
        cuMemcpyDtoDAsync cuMemcpyDtoH cuMemcpyDtoHAsync cuMemcpyHtoA cuMemcpyHtoAAsync
        cuMemcpyHtoD cuMemcpyHtoDAsync cuMemsetD16 cuMemsetD2D16 cuMemsetD2D32 cuMemsetD2D8
        cuMemsetD32 cuMemsetD8 cuModuleGetGlobal cuTexRefGetAddress cuTexRefSetAddress
        cuTexRefSetAddress2D;

    "Describes memory that is already charged." =>
        cuArray3DGetDescriptor_v2 cuArrayGetDescriptor_v2 cuArrayGetPlane
        cuArrayGetSparseProperties cuMemGetAllocationGranularity
        cuMemGetAllocationPropertiesFromHandle cuMemRangeGetAttribute
        cuMemRangeGetAttributes cuMipmappedArrayGetLevel cuMipmappedArrayGetSparseProperties
        cuPointerSetAttribute;

    "Acts on another process, named by pid: what that process holds is in its own charges." =>
        cuCheckpointOperationComplete cuCheckpointProcessCheckpoint
        cuCheckpointProcessGetRestoreThreadId cuCheckpointProcessGetState
        cuCheckpointProcessLock cuCheckpointProcessRestore cuCheckpointProcessUnlock;

    "Diagnostics." =>
        cuCoredumpDeregisterCompleteCallback cuCoredumpDeregisterStartCallback
        cuCoredumpGetAttribute cuCoredumpGetAttributeGlobal
        cuCoredumpRegisterCompleteCallback cuCoredumpRegisterStartCallback
        cuCoredumpSetAttribute cuCoredumpSetAttributeGlobal cuGetErrorName cuGetErrorString
        cuLogsCurrent cuLogsDumpToFile cuLogsDumpToMemory cuLogsRegisterCallback
        cuLogsUnregisterCallback cuProfilerInitialize cuProfilerStart cuProfilerStop;

    "Changes who may reach memory, not how much there is." =>
        cuCtxDisablePeerAccess cuCtxEnablePeerAccess cuMemGetAccess cuMemPoolGetAccess
        cuMemPoolSetAccess;

    "Reads or labels a context; creates none." =>
        cuCtxGetApiVersion cuCtxGetCurrent cuCtxGetDevice cuCtxGetDevice_v2 cuCtxGetFlags
        cuCtxGetId cuDevResourceGenerateDesc cuDevSmResourceSplit
        cuDevSmResourceSplitByCount cuDevicePrimaryCtxGetState cuGLGetDevices
        cuGLGetDevices_v2 cuGLInit cuGreenCtxGetId cuStreamGetCtx cuStreamGetCtx_ptsz
        cuStreamGetCtx_v2 cuStreamGetCtx_v2_ptsz cuStreamGetDevice cuStreamGetDevice_ptsz
        cuStreamGetGreenCtx cuVDPAUGetDevice;

    "Sets a preference; takes no memory." =>
        cuCtxGetCacheConfig cuCtxGetSharedMemConfig cuCtxResetPersistingL2Cache
        cuCtxSetCacheConfig cuCtxSetSharedMemConfig cuFuncSetAttribute cuFuncSetCacheConfig
        cuFuncSetSharedMemConfig cuKernelSetAttribute cuKernelSetCacheConfig;

    "Says what the device is; identity is never altered, and SM counts come capped from MPS." =>
        cuCtxGetDevResource cuCtxGetExecAffinity cuDeviceCanAccessPeer
        cuDeviceComputeCapability cuDeviceGet cuDeviceGetByPCIBusId cuDeviceGetCliqueCount
        cuDeviceGetCliqueInfo cuDeviceGetCount cuDeviceGetDevResource
        cuDeviceGetExecAffinitySupport cuDeviceGetFabricClusterUuid
        cuDeviceGetHostAtomicCapabilities cuDeviceGetLuid cuDeviceGetName
        cuDeviceGetNvSciSyncAttributes cuDeviceGetP2PAtomicCapabilities
        cuDeviceGetP2PAttribute cuDeviceGetPCIBusId cuDeviceGetTexture1DLinearMaxWidth
        cuDeviceGetUuid cuDeviceGetUuid_v2 cuDriverGetVersion cuGreenCtxGetDevResource
        cuOccupancyAvailableDynamicSMemPerBlock cuOccupancyMaxActiveBlocksPerMultiprocessor
        cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cuOccupancyMaxActiveClusters
        cuOccupancyMaxPotentialBlockSize cuOccupancyMaxPotentialBlockSizeWithFlags
        cuOccupancyMaxPotentialClusterSize cuStreamGetDevResource
        cuStreamGetDevResource_ptsz;

    "Reads or sets a property of a stream." =>
        cuCtxGetStreamPriorityRange cuStreamCopyAttributes cuStreamCopyAttributes_ptsz
        cuStreamGetAttribute cuStreamGetAttribute_ptsz cuStreamGetFlags
        cuStreamGetFlags_ptsz cuStreamGetId cuStreamGetId_ptsz cuStreamGetPriority
        cuStreamGetPriority_ptsz cuStreamSetAttribute cuStreamSetAttribute_ptsz;

    "Orders or signals work without occupying SMs." =>
        cupying cuCtxRecordEvent cuCtxWaitEvent cuEventRecord cuEventRecordWithFlags
        cuEventRecordWithFlags_ptsz cuEventRecord_ptsz cuFlushGPUDirectRDMAWrites
        cuGreenCtxRecordEvent cuGreenCtxWaitEvent cuStreamWaitEvent cuStreamWaitEvent_ptsz;

    "Registers a callback; holds nothing." =>
        cuDeviceRegisterAsyncNotification cuDeviceUnregisterAsyncNotification;

    "Exported without a published signature: passed on untouched." =>
        cuDriverGetGpuCodeIsaVersion cuMemGetAttribute cuMemGetAttribute_v2 cuSubgridCreate
        cuSubgridWorkerGridCreate cuSubgridWorksetCreate;

    "Handed function pointers by the EGL loader; nothing of ours to add." =>
        cuEGLApiInit;

    "Memory that a graphics API owns; mapping it takes none." =>
        cuEGLStreamConsumerAcquireFrame cuEGLStreamConsumerConnect
        cuEGLStreamConsumerConnectWithFlags cuEGLStreamConsumerDisconnect
        cuEGLStreamConsumerReleaseFrame cuEGLStreamProducerConnect
        cuEGLStreamProducerDisconnect cuEGLStreamProducerPresentFrame
        cuEGLStreamProducerReturnFrame cuGLMapBufferObjectAsync_v2
        cuGLMapBufferObjectAsync_v2_ptsz cuGLMapBufferObject_v2 cuGLMapBufferObject_v2_ptds
        cuGLRegisterBufferObject cuGLSetBufferObjectMapFlags cuGLUnmapBufferObject
        cuGLUnmapBufferObjectAsync cuGLUnregisterBufferObject cuGraphicsEGLRegisterImage
        cuGraphicsGLRegisterBuffer cuGraphicsGLRegisterImage cuGraphicsMapResources
        cuGraphicsMapResources_ptsz cuGraphicsResourceGetMappedEglFrame
        cuGraphicsResourceGetMappedMipmappedArray cuGraphicsResourceGetMappedPointer_v2
        cuGraphicsResourceSetMapFlags cuGraphicsResourceSetMapFlags_v2
        cuGraphicsSubResourceGetMappedArray cuGraphicsUnmapResources
        cuGraphicsUnmapResources_ptsz cuGraphicsUnregisterResource
        cuGraphicsVDPAURegisterOutputSurface cuGraphicsVDPAURegisterVideoSurface;

    "Times or makes an event out of one that exists." =>
        cuEventCreateFromEGLSync cuEventElapsedTime cuEventElapsedTime_v2;

    "Copies between fabric endpoints; counted by neither side yet." =>
        cuFabricCpyBatchAsync cuFabricCpyBatchAsync_ptsz;

    "Looks something up in code that is already loaded." =>
        cuFuncGetAttribute cuFuncGetModule cuFuncGetName cuFuncGetParamCount
        cuFuncGetParamInfo cuFuncIsLoaded cuKernelGetAttribute
        cuKernelGetLibrary cuKernelGetName cuKernelGetParamCount
        cuKernelGetParamInfo cuLibraryEnumerateKernels cuLibraryGetKernel
        cuLibraryGetKernelCount         cuLibraryGetUnifiedFunction cuModuleEnumerateFunctions cuModuleGetFunction
        cuModuleGetFunctionCount cuModuleGetGlobal_v2 cuModuleGetLoadingMode
        cuModuleGetSurfRef cuModuleGetTexRef;

    "Prepares a launch of the old style; the launch itself is hooked." =>
        cuFuncSetBlockShape cuFuncSetSharedSize cuParamSetSize cuParamSetTexRef cuParamSetf
        cuParamSeti cuParamSetv;

    "Describes work; the work and its memory come with instantiation and launch." =>
        cuGraphAddBatchMemOpNode cuGraphAddChildGraphNode cuGraphAddDependencies
        cuGraphAddDependencies_v2 cuGraphAddEmptyNode cuGraphAddEventRecordNode
        cuGraphAddEventWaitNode cuGraphAddExternalSemaphoresSignalNode
        cuGraphAddExternalSemaphoresWaitNode cuGraphAddHostNode cuGraphAddKernelNode_v2
        cuGraphAddMemcpyNode cuGraphAddMemsetNode cuGraphBatchMemOpNodeSetParams
        cuGraphClone cuGraphConditionalHandleCreate cuGraphCreate cuGraphDestroyNode
        cuGraphEventRecordNodeSetEvent cuGraphEventWaitNodeSetEvent
        cuGraphExecBatchMemOpNodeSetParams cuGraphExecChildGraphNodeSetParams
        cuGraphExecEventRecordNodeSetEvent cuGraphExecEventWaitNodeSetEvent
        cuGraphExecExternalSemaphoresSignalNodeSetParams
        cuGraphExecExternalSemaphoresWaitNodeSetParams cuGraphExecHostNodeSetParams
        cuGraphExecKernelNodeSetParams_v2 cuGraphExecMemcpyNodeSetParams
        cuGraphExecMemsetNodeSetParams cuGraphExecNodeSetParams
        cuGraphExternalSemaphoresSignalNodeSetParams
        cuGraphExternalSemaphoresWaitNodeSetParams cuGraphHostNodeSetParams
        cuGraphKernelNodeCopyAttributes cuGraphKernelNodeSetAttribute
        cuGraphKernelNodeSetParams_v2 cuGraphMemcpyNodeSetParams cuGraphMemsetNodeSetParams
        cuGraphNodeSetParams cuGraphNodeSetParams_v2
        cuGraphRemoveDependencies cuGraphRemoveDependencies_v2;

    "Reads a graph." =>
        cuGraphBatchMemOpNodeGetParams cuGraphChildGraphNodeGetGraph cuGraphDebugDotPrint
        cuGraphEventRecordNodeGetEvent cuGraphEventWaitNodeGetEvent cuGraphExecGetFlags
        cuGraphExecGetId cuGraphExternalSemaphoresSignalNodeGetParams
        cuGraphExternalSemaphoresWaitNodeGetParams cuGraphGetEdges cuGraphGetEdges_v2
        cuGraphGetId cuGraphGetNodes cuGraphGetRootNodes cuGraphHostNodeGetParams
        cuGraphKernelNodeGetAttribute cuGraphKernelNodeGetParams_v2
        cuGraphMemAllocNodeGetParams cuGraphMemFreeNodeGetParams cuGraphMemcpyNodeGetParams
        cuGraphMemsetNodeGetParams cuGraphNodeFindInClone cuGraphNodeGetContainingGraph
        cuGraphNodeGetDependencies cuGraphNodeGetDependencies_v2
        cuGraphNodeGetDependentNodes cuGraphNodeGetDependentNodes_v2 cuGraphNodeGetEnabled
        cuGraphNodeGetLocalId cuGraphNodeGetParams cuGraphNodeGetToolsId cuGraphNodeGetType;

    "Reference counts of host objects." =>
        cuGraphReleaseUserObject cuGraphRetainUserObject cuUserObjectCreate
        cuUserObjectRelease cuUserObjectRetain;

    "Links code on the host; what is loaded is seen at the load." =>
        cuLinkAddData cuLinkAddData_v2 cuLinkAddFile cuLinkAddFile_v2 cuLinkComplete
        cuLinkCreate cuLinkCreate_v2 cuLinkDestroy;

    "Binds memory already charged at its creation to a fabric address." =>
        cuLogicalEndpointAddDevice cuLogicalEndpointBindAddr cuLogicalEndpointBindMem
        cuLogicalEndpointCreate cuLogicalEndpointDestroy cuLogicalEndpointExport
        cuLogicalEndpointGetLimits cuLogicalEndpointIdRelease cuLogicalEndpointIdReserve
        cuLogicalEndpointImport cuLogicalEndpointQuery cuLogicalEndpointUnbind
        cuMulticastAddDevice cuMulticastBindAddr cuMulticastBindAddr_v2 cuMulticastBindMem
        cuMulticastBindMem_v2 cuMulticastCreate cuMulticastGetGranularity cuMulticastUnbind;

    "Moves pages of managed memory, which counts in full since its allocation." =>
        cuMemAdvise cuMemAdvise_v2 cuStreamAttachMemAsync cuStreamAttachMemAsync_ptsz;

    "Pinned host memory is not device memory." =>
        cuMemAllocHost_v2 cuMemFreeHost cuMemHostAlloc cuMemHostGetDevicePointer_v2
        cuMemHostGetFlags cuMemHostRegister cuMemHostRegister_v2 cuMemHostUnregister;


    "Describes how memory is read; holds none." =>
        cuSurfObjectCreate cuSurfObjectDestroy cuSurfObjectGetResourceDesc cuSurfRefGetArray
        cuSurfRefSetArray cuTensorMapEncodeIm2col cuTensorMapEncodeIm2colWide
        cuTensorMapEncodeTiled cuTensorMapReplaceAddress cuTensorMapSetAllocationClass
        cuTexObjectCreate cuTexObjectDestroy cuTexObjectGetResourceDesc
        cuTexObjectGetResourceViewDesc cuTexObjectGetTextureDesc cuTexRefCreate
        cuTexRefDestroy cuTexRefGetAddressMode cuTexRefGetAddress_v2 cuTexRefGetArray
        cuTexRefGetBorderColor cuTexRefGetFilterMode cuTexRefGetFlags cuTexRefGetFormat
        cuTexRefGetMaxAnisotropy cuTexRefGetMipmapFilterMode cuTexRefGetMipmapLevelBias
        cuTexRefGetMipmapLevelClamp cuTexRefGetMipmappedArray cuTexRefSetAddress2D_v2
        cuTexRefSetAddress2D_v3 cuTexRefSetAddressMode cuTexRefSetAddress_v2
        cuTexRefSetArray cuTexRefSetBorderColor cuTexRefSetFilterMode cuTexRefSetFlags
        cuTexRefSetFormat cuTexRefSetMaxAnisotropy cuTexRefSetMipmapFilterMode
        cuTexRefSetMipmapLevelBias cuTexRefSetMipmapLevelClamp cuTexRefSetMipmappedArray;
}
