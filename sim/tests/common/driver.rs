//! Calling the simulated driver by name, with whatever words a test wants to pass.

#![allow(dead_code)]

use std::ffi::CStr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::common::Library;

static CUDA: LazyLock<Library> = LazyLock::new(Library::cuda);

/// What fits in a register.
pub trait Word {
    fn word(self) -> usize;
}

macro_rules! words {
    ($($ty:ty)*) => { $(impl Word for $ty { fn word(self) -> usize { self as usize } })* };
}
words!(usize u64 u32 i32 i64 u8);

impl<T> Word for *const T {
    fn word(self) -> usize {
        self as usize
    }
}

impl<T> Word for *mut T {
    fn word(self) -> usize {
        self as usize
    }
}

impl<T> Word for &mut T {
    fn word(self) -> usize {
        (&raw mut *self) as usize
    }
}

impl Word for &CStr {
    fn word(self) -> usize {
        self.as_ptr() as usize
    }
}

pub fn address(name: &str) -> usize {
    CUDA.address(name).unwrap_or_else(|| panic!("no {name}"))
}

pub fn call(name: &str, words: &[usize]) -> u32 {
    type Function = extern "C" fn(
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
    ) -> u32;
    let address = address(name);
    let mut a = [0; 12];
    a[..words.len()].copy_from_slice(words);
    // SAFETY: an entry point whose parameters are integers and pointers; superfluous ones do no harm.
    let function: Function = unsafe { std::mem::transmute(address) };
    function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11])
}

/// The answer of an entry point.
macro_rules! cu {
    ($name:ident $(, $arg:expr)* $(,)?) => {
        $crate::driver::call(stringify!($name), &[$($crate::driver::Word::word($arg)),*])
    };
}

/// An entry point that has to succeed.
macro_rules! ok {
    ($name:ident $(, $arg:expr)* $(,)?) => {
        assert_eq!(cu!($name $(, $arg)*), 0, stringify!($name))
    };
}

/// A result that an entry point writes through its first parameter.
macro_rules! get {
    ($ty:ty, $name:ident $(, $arg:expr)* $(,)?) => {{
        let mut result = <$ty>::default();
        ok!($name, &mut result $(, $arg)*);
        result
    }};
}

pub(crate) use {cu, get, ok};

/// A context of its own, current, while no other test of this program uses the driver.
pub struct Alone {
    pub ctx: usize,
    _turn: MutexGuard<'static, ()>,
}

/// Captures concern the whole process, so tests take turns.
pub fn alone() -> Alone {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    ok!(cuInit, 0);
    empty_stack();
    let ctx = get!(usize, cuCtxCreate_v2, 0, 0);
    Alone { ctx, _turn: turn }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let mut mode = 0_u32;
        cu!(cuThreadExchangeStreamCaptureMode, &mut mode);
        cu!(cuCtxDestroy_v2, self.ctx);
        empty_stack();
    }
}

fn empty_stack() {
    while cu!(cuCtxPopCurrent_v2, 0) == 0 {}
}

pub const NON_BLOCKING: u32 = 1;

pub fn stream(flags: u32) -> usize {
    get!(usize, cuStreamCreate, flags)
}

pub fn event(flags: u32) -> usize {
    get!(usize, cuEventCreate, flags)
}

pub const CODE: &CStr = c".version 7.0
.target sm_70
.address_size 64
.visible .global .align 8 .b8 table[64];
.visible .const .align 4 .u32 factor;
.global .attribute(.managed) .align 4 .u32 shared_with_host;
.visible .entry nothing() { ret; }
.visible .entry scale(.param .u64 p, .param .f32 a, .param .u32 n) { .shared .align 4 .b8 s[4096]; ret; }
.visible .entry small() .maxntid 64, 1, 1 { ret; }
.visible .entry pairs() .reqnctapercluster 2, 1, 1 { ret; }
";

pub struct Code {
    pub module: usize,
    pub nothing: usize,
    pub scale: usize,
}

pub fn code() -> Code {
    let module = get!(usize, cuModuleLoadData, CODE);
    Code { module, nothing: function(module, c"nothing"), scale: function(module, c"scale") }
}

pub fn function(module: usize, name: &CStr) -> usize {
    get!(usize, cuModuleGetFunction, module, name)
}

/// The kernel without parameters, once.
pub fn launch(function: usize, stream: usize) -> u32 {
    cu!(cuLaunchKernel, function, 1, 1, 1, 1, 1, 1, 0, stream, 0, 0)
}

/// A word of host memory the device waits for: streams are held up until it is opened.
pub struct Gate {
    word: usize,
}

impl Gate {
    pub fn new() -> Gate {
        let word = get!(usize, cuMemHostAlloc, 4, 0);
        let gate = Gate { word };
        gate.set(0);
        gate
    }

    /// Holds up what is submitted to the stream from now on.
    pub fn hold(&self, stream: usize) {
        ok!(cuStreamWaitValue32, stream, self.word, 1, 0);
    }

    pub fn open(&self) {
        self.set(1);
    }

    pub fn reset(&self) {
        self.set(0);
    }

    fn set(&self, value: u32) {
        // SAFETY: pinned memory of this test, which the driver only reads.
        unsafe { std::ptr::write_volatile(self.word as *mut u32, value) };
    }
}

pub fn query(stream: usize) -> u32 {
    cu!(cuStreamQuery, stream)
}

pub fn synchronize(stream: usize) {
    ok!(cuStreamSynchronize, stream);
}

pub const GLOBAL: u32 = 0;
pub const THREAD_LOCAL: u32 = 1;
pub const RELAXED: u32 = 2;

pub fn begin(stream: usize, mode: u32) {
    ok!(cuStreamBeginCapture_v2, stream, mode);
}

/// Ends a capture that must have gone well.
pub fn end(stream: usize) -> usize {
    let mut graph = 0_usize;
    ok!(cuStreamEndCapture, stream, &mut graph);
    graph
}

pub fn end_code(stream: usize) -> u32 {
    let mut graph = 1_usize;
    let code = cu!(cuStreamEndCapture, stream, &mut graph);
    assert_eq!(graph == 0, code != 0, "a graph if and only if it went well");
    code
}

/// 0 none, 1 active, 2 invalidated.
pub fn capturing(stream: usize) -> u32 {
    let mut status = 9_u32;
    ok!(cuStreamIsCapturing, stream, &mut status);
    status
}
