//! What a child made by fork must not inherit: a place that the kernel empties in it.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// A page of its own, zero again in every child, also in one made past the fork handlers.
#[repr(C)]
struct Page {
    value: AtomicPtr<()>,
    /// Somebody is making the value.
    making: AtomicU32,
}

/// A value of this process alone: its children begin without one.
pub struct OfThisProcess<T: 'static> {
    page: AtomicPtr<Page>,
    /// The same value where children do inherit it: a child has to let go of some of it.
    inherited: AtomicPtr<T>,
}

// SAFETY: what is reached through it is shared as `&T`.
unsafe impl<T: Sync> Sync for OfThisProcess<T> {}

impl<T: Sync + Send> OfThisProcess<T> {
    pub const fn new() -> OfThisProcess<T> {
        OfThisProcess {
            page: AtomicPtr::new(core::ptr::null_mut()),
            inherited: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    #[inline(always)]
    pub fn get(&self) -> Option<&'static T> {
        let page = self.page.load(Ordering::Acquire);
        // SAFETY: null, or a page mapped by `page` for good.
        let page = unsafe { page.as_ref() }?;
        // SYNC POINT: pairs with the Release in `set`.
        // SAFETY: null, or a box `set` never frees.
        unsafe { page.value.load(Ordering::Acquire).cast::<T>().as_ref() }
    }

    /// The value, or what `make` makes; threads that come meanwhile wait for it, not for ever. A maker
    /// that fails leaves nothing, and the next who comes tries again. It makes a box: the value may be
    /// more than a thread's stack has room for.
    pub fn get_or_make<E>(
        &self,
        make: impl FnOnce() -> Result<Box<T>, E>,
    ) -> Option<Result<&'static T, E>> {
        if let Some(value) = self.get() {
            return Some(Ok(value));
        }
        let page = self.page()?;
        if page.making.swap(1, Ordering::Acquire) == 1 {
            return self.wait(page).map(Ok);
        }
        // Made by whoever was here between our look and our turn.
        let made = match self.get() {
            Some(value) => Ok(value),
            None => make().map(|value| {
                let value: &'static T = Box::leak(value);
                self.inherited.store(core::ptr::from_ref(value).cast_mut(), Ordering::Release);
                page.value.store(core::ptr::from_ref(value).cast_mut().cast(), Ordering::Release);
                value
            }),
        };
        page.making.store(0, Ordering::Release);
        Some(made)
    }

    fn wait(&self, page: &Page) -> Option<&'static T> {
        const TRIES: u32 = 5000;
        for _ in 0..TRIES {
            std::thread::sleep(core::time::Duration::from_millis(1));
            if let Some(value) = self.get() {
                return Some(value);
            }
            if page.making.load(Ordering::Acquire) == 0 {
                break;
            }
        }
        None
    }

    fn page(&self) -> Option<&'static Page> {
        let known = self.page.load(Ordering::Acquire);
        // SAFETY: null, or mapped below for good.
        if let Some(page) = unsafe { known.as_ref() } {
            return Some(page);
        }
        let made = map_page()?;
        let first = self.page.compare_exchange(
            core::ptr::null_mut(),
            made,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        // SAFETY: either the page just mapped or the one another thread mapped; neither is unmapped.
        unsafe { first.map_or_else(|other| other, |_| made).as_ref() }
    }

    /// In a child: what its parent had, once; the place is empty afterwards, where the kernel has not
    /// done that already. Async-signal-safe.
    pub fn take_from_parent(&self) -> Option<&'static T> {
        // SAFETY: as in `get`.
        if let Some(page) = unsafe { self.page.load(Ordering::Acquire).as_ref() } {
            page.value.store(core::ptr::null_mut(), Ordering::Release);
            page.making.store(0, Ordering::Release);
        }
        let inherited = self.inherited.swap(core::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: null, or a box `get_or_make` never frees; the child has its memory too.
        unsafe { inherited.as_ref() }
    }
}

fn map_page() -> Option<*mut Page> {
    const BYTES: usize = 4096;
    const MADV_WIPEONFORK: c_int = 18;
    // SAFETY: fresh private memory, zero as a `Page` begins; then advice on that mapping alone. Where
    // the kernel does not know the advice the fork handler does the work.
    unsafe {
        let page = libc::mmap(
            core::ptr::null_mut(),
            BYTES,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if page == libc::MAP_FAILED {
            return None;
        }
        libc::madvise(page, BYTES, MADV_WIPEONFORK);
        Some(page.cast())
    }
}

unsafe extern "C" {
    fn __register_atfork(
        prepare: Option<unsafe extern "C" fn()>,
        parent: Option<unsafe extern "C" fn()>,
        child: Option<unsafe extern "C" fn()>,
        library: *mut c_void,
    ) -> c_int;
}

/// Has `handler` called in every child made by fork, from now on; once.
pub fn in_every_child(handler: unsafe extern "C" fn()) {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if !REGISTERED.swap(true, Ordering::AcqRel) {
        // SAFETY: `handler` is a function of this library, which is never unloaded.
        unsafe { __register_atfork(None, None, Some(handler), core::ptr::null_mut()) };
    }
}
