//! What happens at each intercepted entry point.
//!
//! THE table is below: one row per entry point (how to read a row: `table.rs`). Every other entry
//! point is in `forward.rs`; both together are all the driver's names.

#[macro_use]
mod arch;
#[macro_use]
mod table;

mod affinity;
mod array;
mod caller;
mod context;
mod copy;
mod fill;
mod forward;
mod gone;
mod graph;
mod import;
mod invalid;
mod launch;
mod lookup;
mod memory;
mod missing;
mod module;
mod nvml;
mod nvml_view;
mod pool;
mod primary;
mod real;
mod signals;
mod stream;
mod submit;
mod token;
mod view;
mod vmm;
mod wiring;
mod work;

pub use real::Real;
pub use signals::are_watched as are_signals_watched;
pub use table::c_str;
pub use token::is_lent as is_in_driver;
pub use wiring::{ALL, find, open, open_cuda, open_nvml};

/// The driver's entry points that have a row.
pub mod rows {
    use core::ffi::{c_char, c_int, c_uchar, c_uint, c_ulonglong, c_ushort, c_void};

    use cudarc::driver::sys::*;

    /// Array descriptors of the 32-bit ABI, which cudarc does not have.
    #[repr(C)]
    #[allow(non_camel_case_types)]
    pub struct CUDA_ARRAY_DESCRIPTOR_v1 {
        pub width: c_uint,
        pub height: c_uint,
        pub format: CUarray_format,
        pub num_channels: c_uint,
    }

    #[repr(C)]
    #[allow(non_camel_case_types)]
    pub struct CUDA_ARRAY3D_DESCRIPTOR_v1 {
        pub width: c_uint,
        pub height: c_uint,
        pub depth: c_uint,
        pub format: CUarray_format,
        pub num_channels: c_uint,
        pub flags: c_uint,
    }

    hooks! { crate::driver::Library::Cuda;
        // Linear device memory.
        unbound [cuMemAlloc] (dptr: *mut c_uint, bytesize: c_uint);
        unbound [cuMemAllocPitch] (
            dptr: *mut c_uint, p_pitch: *mut c_uint, width_in_bytes: c_uint, height: c_uint,
            element_size_bytes: c_uint);
        [cuMemAllocPitch_v2] (
            dptr: *mut CUdeviceptr, p_pitch: *mut usize, width_in_bytes: usize, height: usize,
            element_size_bytes: c_uint) => takes memory::alloc_pitch;
        [cuMemAlloc_v2] (dptr: *mut CUdeviceptr, bytesize: usize) => takes memory::alloc;
        unbound [cuMemFree] (dptr: c_uint);
        [cuMemFree_v2] (dptr: CUdeviceptr) => memory::free;

        // Managed memory.
        [cuMemAllocManaged] (dptr: *mut CUdeviceptr, bytesize: usize, flags: c_uint) => takes memory::alloc_managed;
        [cuMemDiscardBatchAsync cuMemDiscardBatchAsync_ptsz] (
            dptrs: *mut CUdeviceptr, sizes: *mut usize, count: usize, flags: c_ulonglong,
            h_stream: CUstream);

        // Stream-ordered memory and its pools.
        [cuDeviceGetDefaultMemPool] (pool_out: *mut CUmemoryPool, dev: CUdevice) => pool::of_device;
        [cuDeviceGetMemPool] (pool: *mut CUmemoryPool, dev: CUdevice) => pool::of_device;
        [cuDeviceSetMemPool] (dev: CUdevice, pool: CUmemoryPool);
        [cuMemAllocAsync cuMemAllocAsync_ptsz] (
            dptr: *mut CUdeviceptr, bytesize: usize, h_stream: CUstream) => takes pool::alloc;
        [cuMemAllocFromPoolAsync cuMemAllocFromPoolAsync_ptsz] (
            dptr: *mut CUdeviceptr, bytesize: usize, pool: CUmemoryPool, h_stream: CUstream) => takes pool::alloc_from;
        [cuMemFreeAsync cuMemFreeAsync_ptsz] (dptr: CUdeviceptr, h_stream: CUstream) => memory::free_async;
        [cuMemGetDefaultMemPool] (
            pool_out: *mut CUmemoryPool, location: *mut CUmemLocation,
            kind: CUmemAllocationType as c_uint) => pool::at_location;
        [cuMemGetMemPool] (
            pool: *mut CUmemoryPool, location: *mut CUmemLocation, kind: CUmemAllocationType as c_uint) => pool::at_location;
        [cuMemPoolCreate] (pool: *mut CUmemoryPool, pool_props: *const CUmemPoolProps) => pool::create;
        [cuMemPoolDestroy] (pool: CUmemoryPool) => pool::destroy;
        [cuMemPoolGetAttribute] (pool: CUmemoryPool, attr: CUmemPool_attribute, value: *mut c_void);
        [cuMemPoolSetAttribute] (pool: CUmemoryPool, attr: CUmemPool_attribute as c_uint, value: *mut c_void) => pool::set_attribute;
        [cuMemPoolTrimTo] (pool: CUmemoryPool, min_bytes_to_keep: usize) => pool::trim;
        [cuMemSetMemPool] (location: *mut CUmemLocation, kind: CUmemAllocationType, pool: CUmemoryPool);

        // Virtual memory: physical handles and where they are mapped.
        [cuMemAddressFree] (ptr: CUdeviceptr, size: usize);
        [cuMemAddressReserve] (
            ptr: *mut CUdeviceptr, size: usize, alignment: usize, addr: CUdeviceptr,
            flags: c_ulonglong);
        [cuMemCreate] (
            handle: *mut CUmemGenericAllocationHandle, size: usize,
            prop: *const CUmemAllocationProp, flags: c_ulonglong) => takes vmm::create;
        [cuMemMap] (
            ptr: CUdeviceptr, size: usize, offset: usize, handle: CUmemGenericAllocationHandle,
            flags: c_ulonglong) => vmm::map;
        [cuMemMapArrayAsync cuMemMapArrayAsync_ptsz] (
            map_info_list: *mut CUarrayMapInfo, count: c_uint, h_stream: CUstream) => vmm::map_array;
        [cuMemRelease] (handle: CUmemGenericAllocationHandle) => vmm::release;
        [cuMemRetainAllocationHandle] (handle: *mut CUmemGenericAllocationHandle, addr: *mut c_void) => vmm::retain;
        [cuMemSetAccess] (ptr: CUdeviceptr, size: usize, desc: *const CUmemAccessDesc, count: usize);
        [cuMemUnmap] (ptr: CUdeviceptr, size: usize) => vmm::unmap;

        // Arrays.
        unbound [cuArray3DCreate] (
            p_handle: *mut CUarray, p_allocate_array: *const CUDA_ARRAY3D_DESCRIPTOR_v1);
        [cuArray3DCreate_v2] (p_handle: *mut CUarray, p_allocate_array: *const CUDA_ARRAY3D_DESCRIPTOR) => takes array::create_3d;
        unbound [cuArrayCreate] (
            p_handle: *mut CUarray, p_allocate_array: *const CUDA_ARRAY_DESCRIPTOR_v1);
        [cuArrayCreate_v2] (p_handle: *mut CUarray, p_allocate_array: *const CUDA_ARRAY_DESCRIPTOR) => takes array::create;
        [cuArrayDestroy] (h_array: CUarray) => array::destroy;
        [cuArrayGetMemoryRequirements] (
            memory_requirements: *mut CUDA_ARRAY_MEMORY_REQUIREMENTS, array: CUarray,
            device: CUdevice);
        [cuMipmappedArrayCreate] (
            p_handle: *mut CUmipmappedArray,
            p_mipmapped_array_desc: *const CUDA_ARRAY3D_DESCRIPTOR, num_mipmap_levels: c_uint) => takes array::create_mipmap;
        [cuMipmappedArrayDestroy] (h_mipmapped_array: CUmipmappedArray) => array::destroy_mipmap;
        [cuMipmappedArrayGetMemoryRequirements] (
            memory_requirements: *mut CUDA_ARRAY_MEMORY_REQUIREMENTS, mipmap: CUmipmappedArray,
            device: CUdevice);

        // Memory that came from, or goes to, another process or API.
        [cuDestroyExternalMemory] (ext_mem: CUexternalMemory);
        [cuDestroyExternalSemaphore] (ext_sem: CUexternalSemaphore);
        [cuExternalMemoryGetMappedBuffer] (
            dev_ptr: *mut CUdeviceptr, ext_mem: CUexternalMemory,
            buffer_desc: *const CUDA_EXTERNAL_MEMORY_BUFFER_DESC);
        [cuExternalMemoryGetMappedMipmappedArray] (
            mipmap: *mut CUmipmappedArray, ext_mem: CUexternalMemory,
            mipmap_desc: *const CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC);
        [cuImportExternalMemory] (
            ext_mem_out: *mut CUexternalMemory,
            mem_handle_desc: *const CUDA_EXTERNAL_MEMORY_HANDLE_DESC) => import::external;
        [cuImportExternalSemaphore] (
            ext_sem_out: *mut CUexternalSemaphore,
            sem_handle_desc: *const CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC);
        [cuIpcCloseMemHandle] (dptr: CUdeviceptr);
        [cuIpcGetEventHandle] (p_handle: *mut CUipcEventHandle, event: CUevent);
        [cuIpcGetMemHandle] (p_handle: *mut CUipcMemHandle, dptr: CUdeviceptr);
        [cuIpcOpenEventHandle] (ph_event: *mut CUevent, handle: CUipcEventHandle);
        unbound [cuIpcOpenMemHandle] (pdptr: *mut CUdeviceptr, handle: CUipcMemHandle, flags: c_uint) => import::open_ipc;
        [cuIpcOpenMemHandle_v2] (pdptr: *mut CUdeviceptr, handle: CUipcMemHandle, flags: c_uint) => import::open_ipc;
        [cuMemExportToShareableHandle] (
            shareable_handle: *mut c_void, handle: CUmemGenericAllocationHandle,
            handle_type: CUmemAllocationHandleType as c_uint, flags: c_ulonglong) => vmm::export;
        [cuMemGetHandleForAddressRange] (
            handle: *mut c_void, dptr: CUdeviceptr, size: usize,
            handle_type: CUmemRangeHandleType, flags: c_ulonglong);
        [cuMemImportFromShareableHandle] (
            handle: *mut CUmemGenericAllocationHandle, os_handle: *mut c_void,
            sh_handle_type: CUmemAllocationHandleType as c_uint) => vmm::import;
        [cuMemPoolExportPointer] (share_data_out: *mut CUmemPoolPtrExportData, ptr: CUdeviceptr);
        [cuMemPoolExportToShareableHandle] (
            handle_out: *mut c_void, pool: CUmemoryPool, handle_type: CUmemAllocationHandleType,
            flags: c_ulonglong);
        [cuMemPoolImportFromShareableHandle] (
            pool_out: *mut CUmemoryPool, handle: *mut c_void,
            handle_type: CUmemAllocationHandleType as c_uint, flags: c_ulonglong) => pool::import_pool;
        [cuMemPoolImportPointer] (
            ptr_out: *mut CUdeviceptr, pool: CUmemoryPool,
            share_data: *mut CUmemPoolPtrExportData) => import::pool_pointer;

        // Memory that graphs take.
        [cuDeviceGetGraphMemAttribute] (
            device: CUdevice, attr: CUgraphMem_attribute, value: *mut c_void);
        [cuDeviceGraphMemTrim] (device: CUdevice) => graph::trim;
        [cuDeviceSetGraphMemAttribute] (
            device: CUdevice, attr: CUgraphMem_attribute, value: *mut c_void);
        [cuGraphAddMemAllocNode] (
            ph_graph_node: *mut CUgraphNode, h_graph: CUgraph, dependencies: *const CUgraphNode,
            num_dependencies: usize, node_params: *mut CUDA_MEM_ALLOC_NODE_PARAMS);
        [cuGraphAddMemFreeNode] (
            ph_graph_node: *mut CUgraphNode, h_graph: CUgraph, dependencies: *const CUgraphNode,
            num_dependencies: usize, dptr: CUdeviceptr);
        unbound [cuGraphAddNode] (
            ph_graph_node: *mut CUgraphNode, h_graph: CUgraph, dependencies: *const CUgraphNode,
            num_dependencies: usize, node_params: *mut CUgraphNodeParams);
        [cuGraphAddNode_v2] (
            ph_graph_node: *mut CUgraphNode, h_graph: CUgraph, dependencies: *const CUgraphNode,
            dependency_data: *const CUgraphEdgeData, num_dependencies: usize,
            node_params: *mut CUgraphNodeParams);
        [cuGraphAddNode_v3] (
            ph_graph_node: *mut CUgraphNode, h_graph: CUgraph, dependencies: *const CUgraphNode,
            dependency_data: *const CUgraphEdgeData, num_dependencies: usize,
            node_params: *mut CUgraphNodeParams);

        // Graphs as work.
        [cuGraphDestroy] (h_graph: CUgraph);
        [cuGraphExecDestroy] (h_graph_exec: CUgraphExec) => graph::destroy_exec;
        unbound [cuGraphExecUpdate] (
            h_graph_exec: CUgraphExec, h_graph: CUgraph, h_error_node_out: *mut CUgraphNode,
            update_result_out: *mut CUgraphExecUpdateResult);
        [cuGraphExecUpdate_v2] (
            h_graph_exec: CUgraphExec, h_graph: CUgraph,
            result_info: *mut CUgraphExecUpdateResultInfo);
        unbound [cuGraphInstantiate] (
            ph_graph_exec: *mut CUgraphExec, h_graph: CUgraph, ph_error_node: *mut CUgraphNode,
            log_buffer: *mut c_char, buffer_size: usize) => graph::instantiate;
        [cuGraphInstantiateWithFlags] (
            ph_graph_exec: *mut CUgraphExec, h_graph: CUgraph, flags: c_ulonglong) => graph::with_flags;
        [cuGraphInstantiateWithParams cuGraphInstantiateWithParams_ptsz] (
            ph_graph_exec: *mut CUgraphExec, h_graph: CUgraph,
            instantiate_params: *mut CUDA_GRAPH_INSTANTIATE_PARAMS) => takes graph::with_params;
        unbound [cuGraphInstantiate_v2] (
            ph_graph_exec: *mut CUgraphExec, h_graph: CUgraph, ph_error_node: *mut CUgraphNode,
            log_buffer: *mut c_char, buffer_size: usize) => graph::instantiate;
        [cuGraphLaunch cuGraphLaunch_ptsz] (h_graph_exec: CUgraphExec, h_stream: CUstream) => takes graph::launch;
        [cuGraphNodeSetEnabled] (h_graph_exec: CUgraphExec, h_node: CUgraphNode, is_enabled: c_uint) => graph::switch;
        [cuGraphUpload cuGraphUpload_ptsz] (h_graph_exec: CUgraphExec, h_stream: CUstream) => takes graph::upload;

        // Kernel launches.
        [cuLaunch] (f: CUfunction) => launch::plain;
        [cuLaunchCooperativeKernel cuLaunchCooperativeKernel_ptsz] (
            f: CUfunction, grid_dim_x: c_uint, grid_dim_y: c_uint, grid_dim_z: c_uint,
            block_dim_x: c_uint, block_dim_y: c_uint, block_dim_z: c_uint,
            shared_mem_bytes: c_uint, h_stream: CUstream,
            kernel_params: *mut *mut c_void) => launch::cooperative;
        [cuLaunchCooperativeKernelMultiDevice] (
            launch_params_list: *mut CUDA_LAUNCH_PARAMS, num_devices: c_uint, flags: c_uint) => launch::on_several;
        [cuLaunchGrid] (f: CUfunction, grid_width: c_int, grid_height: c_int) => launch::grid;
        [cuLaunchGridAsync] (f: CUfunction, grid_width: c_int, grid_height: c_int, h_stream: CUstream) => launch::grid_async;
        [cuLaunchKernel cuLaunchKernel_ptsz] (
            f: CUfunction, grid_dim_x: c_uint, grid_dim_y: c_uint, grid_dim_z: c_uint,
            block_dim_x: c_uint, block_dim_y: c_uint, block_dim_z: c_uint,
            shared_mem_bytes: c_uint, h_stream: CUstream, kernel_params: *mut *mut c_void,
            extra: *mut *mut c_void) => launch::kernel;
        [cuLaunchKernelEx cuLaunchKernelEx_ptsz] (
            config: *const CUlaunchConfig, f: CUfunction, kernel_params: *mut *mut c_void,
            extra: *mut *mut c_void) => launch::kernel_ex;

        // Host functions in stream order.
        [cuLaunchHostFunc cuLaunchHostFunc_ptsz] (
            h_stream: CUstream, func: CUhostFn, user_data: *mut c_void);
        [cuLaunchHostFunc_v2 cuLaunchHostFunc_v2_ptsz] (
            h_stream: CUstream, func: CUhostFn, user_data: *mut c_void, sync_mode: c_uint);
        [cuStreamAddCallback cuStreamAddCallback_ptsz] (
            h_stream: CUstream, callback: CUstreamCallback, user_data: *mut c_void,
            flags: c_uint);

        // Values written in a stream's order.
        unbound [cuStreamBatchMemOp cuStreamBatchMemOp_ptsz] (
            stream: CUstream, count: c_uint, param_array: *mut CUstreamBatchMemOpParams,
            flags: c_uint) => submit::batch;
        [cuStreamBatchMemOp_v2 cuStreamBatchMemOp_v2_ptsz] (
            stream: CUstream, count: c_uint, param_array: *mut CUstreamBatchMemOpParams,
            flags: c_uint) => submit::batch;
        unbound [cuStreamWriteValue32 cuStreamWriteValue32_ptsz] (
            stream: CUstream, addr: CUdeviceptr, value: cuuint32_t, flags: c_uint) => submit::value_32;
        [cuStreamWriteValue32_v2 cuStreamWriteValue32_v2_ptsz] (
            stream: CUstream, addr: CUdeviceptr, value: cuuint32_t, flags: c_uint) => submit::value_32;
        unbound [cuStreamWriteValue64 cuStreamWriteValue64_ptsz] (
            stream: CUstream, addr: CUdeviceptr, value: cuuint64_t, flags: c_uint) => submit::value_64;
        [cuStreamWriteValue64_v2 cuStreamWriteValue64_v2_ptsz] (
            stream: CUstream, addr: CUdeviceptr, value: cuuint64_t, flags: c_uint) => submit::value_64;

        unbound [cuStreamWaitValue32 cuStreamWaitValue32_ptsz] (
            stream: CUstream, addr: CUdeviceptr, value: cuuint32_t, flags: c_uint) => submit::value_32;
        [cuStreamWaitValue32_v2 cuStreamWaitValue32_v2_ptsz] (
            stream: CUstream, addr: CUdeviceptr, value: cuuint32_t, flags: c_uint) => submit::value_32;
        unbound [cuStreamWaitValue64 cuStreamWaitValue64_ptsz] (
            stream: CUstream, addr: CUdeviceptr, value: cuuint64_t, flags: c_uint) => submit::value_64;
        [cuStreamWaitValue64_v2 cuStreamWaitValue64_v2_ptsz] (
            stream: CUstream, addr: CUdeviceptr, value: cuuint64_t, flags: c_uint) => submit::value_64;

        // Other work that is no kernel and no copy.
        unbound [cuMemPrefetchAsync cuMemPrefetchAsync_ptsz] (
            dev_ptr: CUdeviceptr, count: usize, dst_device: CUdevice, h_stream: CUstream) => submit::prefetch_to;
        [cuMemPrefetchAsync_v2 cuMemPrefetchAsync_v2_ptsz] (
            dev_ptr: CUdeviceptr, count: usize, location: CUmemLocation, flags: c_uint,
            h_stream: CUstream) => submit::prefetch;
        [cuMemPrefetchBatchAsync cuMemPrefetchBatchAsync_ptsz] (
            dptrs: *mut CUdeviceptr, sizes: *mut usize, count: usize, locations: *mut CUmemLocation,
            location_indices: *mut usize, num_locations: usize, flags: c_ulonglong,
            h_stream: CUstream) => submit::prefetch_batch;
        [cuMemDiscardAndPrefetchBatchAsync cuMemDiscardAndPrefetchBatchAsync_ptsz] (
            dptrs: *mut CUdeviceptr, sizes: *mut usize, count: usize, locations: *mut CUmemLocation,
            location_indices: *mut usize, num_locations: usize, flags: c_ulonglong,
            h_stream: CUstream) => submit::prefetch_batch;
        [cuMemBatchDecompressAsync cuMemBatchDecompressAsync_ptsz] (
            params_array: *mut CUmemDecompressParams, count: usize, flags: c_uint,
            error_index: *mut usize, stream: CUstream) => submit::decompress;
        [cuSignalExternalSemaphoresAsync cuSignalExternalSemaphoresAsync_ptsz] (
            ext_sem_array: *const CUexternalSemaphore,
            params_array: *const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS, num_ext_sems: c_uint,
            stream: CUstream) => submit::signal;
        [cuWaitExternalSemaphoresAsync cuWaitExternalSemaphoresAsync_ptsz] (
            ext_sem_array: *const CUexternalSemaphore,
            params_array: *const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS, num_ext_sems: c_uint,
            stream: CUstream) => submit::wait;

        // Copies.
        [cuMemcpy cuMemcpy_ptds] (dst: CUdeviceptr, src: CUdeviceptr, byte_count: usize) => copy::unified;
        [cuMemcpy2DAsync_v2 cuMemcpy2DAsync_v2_ptsz] (p_copy: *const CUDA_MEMCPY2D, h_stream: CUstream) => copy::rows_async;
        [cuMemcpy2DUnaligned_v2 cuMemcpy2DUnaligned_v2_ptds] (p_copy: *const CUDA_MEMCPY2D) => copy::rows;
        [cuMemcpy2D_v2 cuMemcpy2D_v2_ptds] (p_copy: *const CUDA_MEMCPY2D) => copy::rows;
        [cuMemcpy3DAsync_v2 cuMemcpy3DAsync_v2_ptsz] (p_copy: *const CUDA_MEMCPY3D, h_stream: CUstream) => copy::slices_async;
        unbound [cuMemcpy3DBatchAsync cuMemcpy3DBatchAsync_ptsz] (
            num_ops: usize, op_list: *mut CUDA_MEMCPY3D_BATCH_OP, fail_idx: *mut usize,
            flags: c_ulonglong, h_stream: CUstream) => copy::boxes_v1;
        [cuMemcpy3DBatchAsync_v2 cuMemcpy3DBatchAsync_v2_ptsz] (
            num_ops: usize, op_list: *mut CUDA_MEMCPY3D_BATCH_OP, flags: c_ulonglong,
            h_stream: CUstream) => copy::boxes_v2;
        [cuMemcpy3DPeer cuMemcpy3DPeer_ptds] (p_copy: *const CUDA_MEMCPY3D_PEER) => copy::peer_slices;
        [cuMemcpy3DPeerAsync cuMemcpy3DPeerAsync_ptsz] (
            p_copy: *const CUDA_MEMCPY3D_PEER, h_stream: CUstream) => copy::peer_slices_async;
        [cuMemcpy3DWithAttributesAsync cuMemcpy3DWithAttributesAsync_ptsz] (
            op: *mut CUDA_MEMCPY3D_BATCH_OP, flags: c_ulonglong, h_stream: CUstream) => copy::one_box;
        [cuMemcpy3D_v2 cuMemcpy3D_v2_ptds] (p_copy: *const CUDA_MEMCPY3D) => copy::slices;
        [cuMemcpyAsync cuMemcpyAsync_ptsz] (
            dst: CUdeviceptr, src: CUdeviceptr, byte_count: usize, h_stream: CUstream) => copy::unified_async;
        [cuMemcpyAtoA_v2 cuMemcpyAtoA_v2_ptds] (
            dst_array: CUarray, dst_offset: usize, src_array: CUarray, src_offset: usize,
            byte_count: usize) => copy::between_arrays;
        [cuMemcpyAtoD_v2 cuMemcpyAtoD_v2_ptds] (
            dst_device: CUdeviceptr, src_array: CUarray, src_offset: usize, byte_count: usize) => copy::out_of_array;
        [cuMemcpyAtoHAsync_v2 cuMemcpyAtoHAsync_v2_ptsz] (
            dst_host: *mut c_void, src_array: CUarray, src_offset: usize, byte_count: usize,
            h_stream: CUstream) => copy::from_array_async;
        [cuMemcpyAtoH_v2 cuMemcpyAtoH_v2_ptds] (
            dst_host: *mut c_void, src_array: CUarray, src_offset: usize, byte_count: usize) => copy::from_array;
        unbound [cuMemcpyBatchAsync cuMemcpyBatchAsync_ptsz] (
            dsts: *mut CUdeviceptr, srcs: *mut CUdeviceptr, sizes: *mut usize, count: usize,
            attrs: *mut CUmemcpyAttributes, attrs_idxs: *mut usize, num_attrs: usize,
            fail_idx: *mut usize, h_stream: CUstream) => copy::batch;
        [cuMemcpyBatchAsync_v2 cuMemcpyBatchAsync_v2_ptsz] (
            dsts: *mut CUdeviceptr, srcs: *mut CUdeviceptr, sizes: *mut usize, count: usize,
            attrs: *mut CUmemcpyAttributes, attrs_idxs: *mut usize, num_attrs: usize,
            h_stream: CUstream) => copy::batch_v2;
        [cuMemcpyDtoA_v2 cuMemcpyDtoA_v2_ptds] (
            dst_array: CUarray, dst_offset: usize, src_device: CUdeviceptr, byte_count: usize) => copy::into_array;
        [cuMemcpyDtoDAsync_v2 cuMemcpyDtoDAsync_v2_ptsz] (
            dst_device: CUdeviceptr, src_device: CUdeviceptr, byte_count: usize,
            h_stream: CUstream) => copy::within_async;
        [cuMemcpyDtoD_v2 cuMemcpyDtoD_v2_ptds] (
            dst_device: CUdeviceptr, src_device: CUdeviceptr, byte_count: usize) => copy::within;
        [cuMemcpyDtoHAsync_v2 cuMemcpyDtoHAsync_v2_ptsz] (
            dst_host: *mut c_void, src_device: CUdeviceptr, byte_count: usize,
            h_stream: CUstream) => copy::to_host_async;
        [cuMemcpyDtoH_v2 cuMemcpyDtoH_v2_ptds] (
            dst_host: *mut c_void, src_device: CUdeviceptr, byte_count: usize) => copy::to_host;
        [cuMemcpyHtoAAsync_v2 cuMemcpyHtoAAsync_v2_ptsz] (
            dst_array: CUarray, dst_offset: usize, src_host: *const c_void, byte_count: usize,
            h_stream: CUstream) => copy::to_array_async;
        [cuMemcpyHtoA_v2 cuMemcpyHtoA_v2_ptds] (
            dst_array: CUarray, dst_offset: usize, src_host: *const c_void, byte_count: usize) => copy::to_array;
        [cuMemcpyHtoDAsync_v2 cuMemcpyHtoDAsync_v2_ptsz] (
            dst_device: CUdeviceptr, src_host: *const c_void, byte_count: usize,
            h_stream: CUstream) => copy::to_device_async;
        [cuMemcpyHtoD_v2 cuMemcpyHtoD_v2_ptds] (
            dst_device: CUdeviceptr, src_host: *const c_void, byte_count: usize) => copy::to_device;
        [cuMemcpyPeer cuMemcpyPeer_ptds] (
            dst_device: CUdeviceptr, dst_context: CUcontext, src_device: CUdeviceptr,
            src_context: CUcontext, byte_count: usize) => copy::peer;
        [cuMemcpyPeerAsync cuMemcpyPeerAsync_ptsz] (
            dst_device: CUdeviceptr, dst_context: CUcontext, src_device: CUdeviceptr,
            src_context: CUcontext, byte_count: usize, h_stream: CUstream) => copy::peer_async;
        [cuMemcpyWithAttributesAsync cuMemcpyWithAttributesAsync_ptsz] (
            dst: CUdeviceptr, src: CUdeviceptr, size: usize, attr: *mut CUmemcpyAttributes,
            h_stream: CUstream) => copy::with_attributes;

        // Fills.
        [cuMemsetD16Async cuMemsetD16Async_ptsz] (
            dst_device: CUdeviceptr, us: c_ushort, n: usize, h_stream: CUstream) => fill::row_16_async;
        [cuMemsetD16_v2 cuMemsetD16_v2_ptds] (dst_device: CUdeviceptr, us: c_ushort, n: usize) => fill::row_16;
        [cuMemsetD2D16Async cuMemsetD2D16Async_ptsz] (
            dst_device: CUdeviceptr, dst_pitch: usize, us: c_ushort, width: usize,
            height: usize, h_stream: CUstream) => fill::rows_16_async;
        [cuMemsetD2D16_v2 cuMemsetD2D16_v2_ptds] (
            dst_device: CUdeviceptr, dst_pitch: usize, us: c_ushort, width: usize,
            height: usize) => fill::rows_16;
        [cuMemsetD2D32Async cuMemsetD2D32Async_ptsz] (
            dst_device: CUdeviceptr, dst_pitch: usize, ui: c_uint, width: usize, height: usize,
            h_stream: CUstream) => fill::rows_32_async;
        [cuMemsetD2D32_v2 cuMemsetD2D32_v2_ptds] (
            dst_device: CUdeviceptr, dst_pitch: usize, ui: c_uint, width: usize, height: usize) => fill::rows_32;
        [cuMemsetD2D8Async cuMemsetD2D8Async_ptsz] (
            dst_device: CUdeviceptr, dst_pitch: usize, uc: c_uchar, width: usize, height: usize,
            h_stream: CUstream) => fill::rows_8_async;
        [cuMemsetD2D8_v2 cuMemsetD2D8_v2_ptds] (
            dst_device: CUdeviceptr, dst_pitch: usize, uc: c_uchar, width: usize,
            height: usize) => fill::rows_8;
        [cuMemsetD32Async cuMemsetD32Async_ptsz] (
            dst_device: CUdeviceptr, ui: c_uint, n: usize, h_stream: CUstream) => fill::row_32_async;
        [cuMemsetD32_v2 cuMemsetD32_v2_ptds] (dst_device: CUdeviceptr, ui: c_uint, n: usize) => fill::row_32;
        [cuMemsetD8Async cuMemsetD8Async_ptsz] (
            dst_device: CUdeviceptr, uc: c_uchar, n: usize, h_stream: CUstream) => fill::row_8_async;
        [cuMemsetD8_v2 cuMemsetD8_v2_ptds] (dst_device: CUdeviceptr, uc: c_uchar, n: usize) => fill::row_8;

        // Capture: what is submitted here runs later, from a graph.
        unbound [cuStreamBeginCapture cuStreamBeginCapture_ptsz] (h_stream: CUstream) => stream::begin_capture_v1;
        [cuStreamBeginCaptureToCig cuStreamBeginCaptureToCig_ptsz] (
            h_stream: CUstream, stream_cig_capture_params: *mut CUstreamCigCaptureParams);
        [cuStreamBeginCaptureToGraph cuStreamBeginCaptureToGraph_ptsz] (
            h_stream: CUstream, h_graph: CUgraph, dependencies: *const CUgraphNode,
            dependency_data: *const CUgraphEdgeData, num_dependencies: usize,
            mode: CUstreamCaptureMode as c_uint) => stream::begin_capture_to_graph;
        [cuStreamBeginCapture_v2 cuStreamBeginCapture_v2_ptsz] (
            h_stream: CUstream, mode: CUstreamCaptureMode as c_uint) => stream::begin_capture;
        [cuStreamBeginRecaptureToGraph cuStreamBeginRecaptureToGraph_ptsz] (
            h_stream: CUstream, mode: CUstreamCaptureMode as c_uint, h_graph: CUgraph,
            callback_func: CUgraphRecaptureCallback, user_data: *mut c_void) => stream::begin_recapture;
        [cuStreamEndCapture cuStreamEndCapture_ptsz] (h_stream: CUstream, ph_graph: *mut CUgraph) => stream::end_capture;
        [cuStreamEndCaptureToCig cuStreamEndCaptureToCig_ptsz] (h_stream: CUstream);
        unbound [cuStreamGetCaptureInfo cuStreamGetCaptureInfo_ptsz] (
            h_stream: CUstream, capture_status_out: *mut CUstreamCaptureStatus,
            id_out: *mut cuuint64_t);
        unbound [cuStreamGetCaptureInfo_v2 cuStreamGetCaptureInfo_v2_ptsz] (
            h_stream: CUstream, capture_status_out: *mut CUstreamCaptureStatus,
            id_out: *mut cuuint64_t, graph_out: *mut CUgraph,
            dependencies_out: *mut *const CUgraphNode, num_dependencies_out: *mut usize);
        [cuStreamGetCaptureInfo_v3 cuStreamGetCaptureInfo_v3_ptsz] (
            h_stream: CUstream, capture_status_out: *mut CUstreamCaptureStatus,
            id_out: *mut cuuint64_t, graph_out: *mut CUgraph,
            dependencies_out: *mut *const CUgraphNode,
            edge_data_out: *mut *const CUgraphEdgeData, num_dependencies_out: *mut usize);
        [cuStreamIsCapturing cuStreamIsCapturing_ptsz] (
            h_stream: CUstream, capture_status: *mut CUstreamCaptureStatus);
        unbound [cuStreamUpdateCaptureDependencies cuStreamUpdateCaptureDependencies_ptsz] (
            h_stream: CUstream, dependencies: *mut CUgraphNode, num_dependencies: usize,
            flags: c_uint);
        [cuStreamUpdateCaptureDependencies_v2 cuStreamUpdateCaptureDependencies_v2_ptsz] (
            h_stream: CUstream, dependencies: *mut CUgraphNode,
            dependency_data: *const CUgraphEdgeData, num_dependencies: usize, flags: c_uint);
        [cuThreadExchangeStreamCaptureMode] (mode: *mut CUstreamCaptureMode);

        // Streams and events.
        [cuEventCreate] (ph_event: *mut CUevent, flags: c_uint);
        unbound [cuEventDestroy] (h_event: CUevent);
        [cuEventDestroy_v2] (h_event: CUevent);
        [cuEventQuery] (h_event: CUevent) => stream::query_event;
        [cuEventSynchronize] (h_event: CUevent) => stream::synchronize_event;
        [cuStreamCreate] (ph_stream: *mut CUstream, flags: c_uint);
        [cuStreamCreateWithPriority] (ph_stream: *mut CUstream, flags: c_uint, priority: c_int);
        unbound [cuStreamDestroy] (h_stream: CUstream) => stream::destroy;
        [cuStreamDestroy_v2] (h_stream: CUstream) => stream::destroy;
        [cuStreamQuery cuStreamQuery_ptsz] (h_stream: CUstream) => stream::query;
        [cuStreamSynchronize cuStreamSynchronize_ptsz] (h_stream: CUstream) => stream::synchronize;

        // Contexts.
        [cuCtxAttach] (pctx: *mut CUcontext, flags: c_uint);
        unbound [cuCtxCreate] (pctx: *mut CUcontext, flags: c_uint, dev: CUdevice) => takes context::create;
        unbound [cuCtxCreate_v2] (pctx: *mut CUcontext, flags: c_uint, dev: CUdevice) => takes context::create;
        unbound [cuCtxCreate_v3] (
            pctx: *mut CUcontext, params_array: *mut CUexecAffinityParam, num_params: c_int,
            flags: c_uint, dev: CUdevice) => takes context::create_v3;
        [cuCtxCreate_v4] (
            pctx: *mut CUcontext, ctx_create_params: *mut CUctxCreateParams, flags: c_uint,
            dev: CUdevice) => takes context::create_v4;
        unbound [cuCtxDestroy] (ctx: CUcontext) => context::destroy;
        [cuCtxDestroy_v2] (ctx: CUcontext) => context::destroy;
        [cuCtxDetach] (ctx: CUcontext) => context::detach;
        [cuCtxFromGreenCtx] (p_context: *mut CUcontext, h_ctx: CUgreenCtx) => primary::of_green;
        [cuCtxGetLimit] (pvalue: *mut usize, limit: CUlimit);
        unbound [cuCtxPopCurrent] (pctx: *mut CUcontext);
        [cuCtxPopCurrent_v2] (pctx: *mut CUcontext);
        unbound [cuCtxPushCurrent] (ctx: CUcontext);
        [cuCtxPushCurrent_v2] (ctx: CUcontext);
        [cuCtxSetCurrent] (ctx: CUcontext);
        [cuCtxSetFlags] (flags: c_uint);
        [cuCtxSetLimit] (limit: CUlimit as c_uint, value: usize) => takes context::set_limit;
        [cuCtxSynchronize] () => stream::synchronize_context;
        [cuCtxSynchronize_v2] (ctx: CUcontext) => stream::synchronize_that_context;
        unbound [cuDevicePrimaryCtxRelease] (dev: CUdevice) => primary::release;
        [cuDevicePrimaryCtxRelease_v2] (dev: CUdevice) => primary::release;
        unbound [cuDevicePrimaryCtxReset] (dev: CUdevice) => primary::release;
        [cuDevicePrimaryCtxReset_v2] (dev: CUdevice) => primary::release;
        [cuDevicePrimaryCtxRetain] (pctx: *mut CUcontext, dev: CUdevice) => takes primary::retain;
        unbound [cuDevicePrimaryCtxSetFlags] (dev: CUdevice, flags: c_uint);
        [cuDevicePrimaryCtxSetFlags_v2] (dev: CUdevice, flags: c_uint);
        unbound [cuGLCtxCreate] (p_ctx: *mut CUcontext, flags: c_uint, device: CUdevice) => takes context::create_for_graphics;
        unbound [cuGLCtxCreate_v2] (p_ctx: *mut CUcontext, flags: c_uint, device: CUdevice) => takes context::create_for_graphics;
        [cuGreenCtxCreate] (
            ph_ctx: *mut CUgreenCtx, desc: CUdevResourceDesc, dev: CUdevice, flags: c_uint) => takes primary::create_green;
        [cuGreenCtxDestroy] (h_ctx: CUgreenCtx) => primary::destroy_green;
        [cuGreenCtxStreamCreate] (
            ph_stream: *mut CUstream, green_ctx: CUgreenCtx, flags: c_uint, priority: c_int);
        [cuInit] (flags: c_uint) => context::init;
        unbound [cuVDPAUCtxCreate] (
            p_ctx: *mut CUcontext, flags: c_uint, device: CUdevice, vdp_device: c_uint,
            vdp_get_proc_address: *mut c_void);
        unbound [cuVDPAUCtxCreate_v2] (
            p_ctx: *mut CUcontext, flags: c_uint, device: CUdevice, vdp_device: c_uint,
            vdp_get_proc_address: *mut c_void);

        // Modules and libraries: code and globals take device memory.
        [cuFuncLoad] (function: CUfunction) => takes module::use_function;
        [cuKernelGetFunction] (
            p_func: *mut CUfunction, kernel: CUkernel) => takes module::use_kernel;
        [cuLibraryGetGlobal] (
            dptr: *mut CUdeviceptr, bytes: *mut usize, library: CUlibrary,
            name: *const c_char) => takes module::use_variable;
        [cuLibraryGetManaged] (
            dptr: *mut CUdeviceptr, bytes: *mut usize, library: CUlibrary,
            name: *const c_char) => takes module::use_variable;
        [cuLibraryGetModule] (
            p_mod: *mut CUmodule, library: CUlibrary) => takes module::use_library;
        [cuLibraryLoadData] (
            library: *mut CUlibrary, code: *const c_void, jit_options: *mut CUjit_option,
            jit_options_values: *mut *mut c_void, num_jit_options: c_uint,
            library_options: *mut CUlibraryOption, library_option_values: *mut *mut c_void,
            num_library_options: c_uint) => module::library_data;
        [cuLibraryLoadFromFile] (
            library: *mut CUlibrary, file_name: *const c_char, jit_options: *mut CUjit_option,
            jit_options_values: *mut *mut c_void, num_jit_options: c_uint,
            library_options: *mut CUlibraryOption, library_option_values: *mut *mut c_void,
            num_library_options: c_uint) => module::library_file;
        [cuLibraryUnload] (library: CUlibrary) => module::unload_library;
        [cuModuleLoad] (module: *mut CUmodule, fname: *const c_char) => takes module::load_file;
        [cuModuleLoadData] (module: *mut CUmodule, image: *const c_void) => takes module::load_data;
        [cuModuleLoadDataEx] (
            module: *mut CUmodule, image: *const c_void, num_options: c_uint,
            options: *mut CUjit_option, option_values: *mut *mut c_void) => takes module::load_data_ex;
        [cuModuleLoadFatBinary] (module: *mut CUmodule, fat_cubin: *const c_void) => takes module::load_data;
        [cuModuleUnload] (hmod: CUmodule) => module::unload_module;

        // What the device says of itself and of memory.
        [cuDeviceGetAttribute] (pi: *mut c_int, attrib: CUdevice_attribute, dev: CUdevice);
        [cuDeviceGetProperties] (prop: *mut CUdevprop, dev: CUdevice);
        unbound [cuDeviceTotalMem] (bytes: *mut c_uint, dev: CUdevice) => view::total_32;
        [cuDeviceTotalMem_v2] (bytes: *mut usize, dev: CUdevice) => view::total;
        unbound [cuMemGetAddressRange] (pbase: *mut c_uint, psize: *mut c_uint, dptr: c_uint);
        [cuMemGetAddressRange_v2] (pbase: *mut CUdeviceptr, psize: *mut usize, dptr: CUdeviceptr);
        unbound [cuMemGetInfo] (free: *mut c_uint, total: *mut c_uint) => view::memory_32;
        [cuMemGetInfo_v2] (free: *mut usize, total: *mut usize) => view::memory;
        [cuMemGetLocationInfo] (
            ptr: CUdeviceptr, size: usize, summary_granularity: usize,
            sampling_granularity: usize, location_out: *mut CUmemLocation);
        [cuPointerGetAttribute] (data: *mut c_void, attribute: CUpointer_attribute, ptr: CUdeviceptr);
        [cuPointerGetAttributes] (
            num_attributes: c_uint, attributes: *mut CUpointer_attribute,
            data: *mut *mut c_void, ptr: CUdeviceptr);

        // Who hands out entry points.
        [cuGetExportTable] (
            pp_export_table: *mut *const c_void,
            p_export_table_id: *const CUuuid) => lookup::export_table;
        unbound [cuGetProcAddress] (
            symbol: *const c_char, pfn: *mut *mut c_void, cuda_version: c_int,
            flags: cuuint64_t) => always lookup::proc_address;
        [cuGetProcAddress_v2] (
            symbol: *const c_char, pfn: *mut *mut c_void, cuda_version: c_int,
            flags: cuuint64_t,
            symbol_status: *mut CUdriverProcAddressQueryResult) => always lookup::proc_address_v2;
    }
}
