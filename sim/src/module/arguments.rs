//! Kernel arguments, copied when a launch is kept for later.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use super::image::Kernel;
use crate::api::{E, given, take, take_many};

/// Names in the `extra` list of a launch.
const END: usize = 0;
pub const BUFFER_POINTER: usize = 1;
pub const BUFFER_SIZE: usize = 2;

/// A launch has its arguments one by one, or packed in one buffer.
#[derive(Clone, Copy)]
pub enum Given {
    Nothing,
    Params(*mut *mut c_void),
    Packed { buffer: *const u8, size: usize },
}

impl Given {
    /// What the caller passed, if it is one of the two and fits the kernel.
    pub fn checked(
        kernel: &Kernel,
        params: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) -> Result<Given, E> {
        let passed = match (params.is_null(), extra.is_null()) {
            (false, false) => return Err(E::INVALID_VALUE),
            (false, true) => Given::Params(params),
            (true, false) => packed(extra)?,
            (true, true) => Given::Nothing,
        };
        // Of an unknown kernel anything goes.
        let known = kernel.params.as_deref().unwrap_or_default();
        let Some(last) = known.last() else { return Ok(passed) };
        match passed {
            Given::Nothing => Err(E::INVALID_VALUE),
            Given::Packed { size, .. } if size < last.offset + last.size => Err(E::INVALID_VALUE),
            Given::Packed { .. } => Ok(passed),
            Given::Params(params) => {
                for argument in take_many(params, known.len())? {
                    given(argument)?;
                }
                Ok(passed)
            }
        }
    }
}

fn packed(mut extra: *mut *mut c_void) -> Result<Given, E> {
    let (mut buffer, mut size) = (ptr::null::<u8>(), None);
    loop {
        let name = take(extra)? as usize;
        if name == END {
            break;
        }
        let value = take(extra.wrapping_add(1))?;
        match name {
            BUFFER_POINTER => buffer = value.cast(),
            BUFFER_SIZE => size = Some(take(value.cast::<usize>())?),
            _ => return Err(E::INVALID_VALUE),
        }
        extra = extra.wrapping_add(2);
    }
    match size {
        Some(size) if size > 0 => given(buffer).map(|()| Given::Packed { buffer, size }),
        _ => Ok(Given::Nothing),
    }
}

/// Arguments that belong to a node. What is handed to the program points into it.
pub struct Arguments {
    values: Vec<Box<[u8]>>,
    pointers: Vec<*mut c_void>,
    /// Set if they came packed.
    size: Option<Box<usize>>,
}

// SAFETY: the pointers are into the values, which nothing changes after they were made.
unsafe impl Send for Arguments {}
// SAFETY: as above.
unsafe impl Sync for Arguments {}

impl Arguments {
    pub fn copied(kernel: &Kernel, passed: Given) -> Result<Arc<Arguments>, E> {
        let mut copy = Arguments { values: Vec::new(), pointers: Vec::new(), size: None };
        match passed {
            Given::Nothing => {}
            Given::Params(params) => {
                let sizes = kernel.params.as_deref().unwrap_or_default();
                for (from, param) in take_many(params, sizes.len())?.into_iter().zip(sizes) {
                    let value = take_many(from.cast::<u8>(), param.size)?.into_boxed_slice();
                    copy.pointers.push(value.as_ptr().cast_mut().cast());
                    copy.values.push(value);
                }
            }
            Given::Packed { buffer, size } => {
                let value = take_many(buffer, size)?.into_boxed_slice();
                let size = copy.size.insert(Box::new(size));
                copy.pointers = vec![
                    BUFFER_POINTER as *mut c_void,
                    value.as_ptr().cast_mut().cast(),
                    BUFFER_SIZE as *mut c_void,
                    (&raw mut **size).cast(),
                    END as *mut c_void,
                ];
                copy.values.push(value);
            }
        }
        Ok(Arc::new(copy))
    }

    /// For `kernelParams`.
    pub fn params(&self) -> *mut *mut c_void {
        if self.size.is_some() || self.pointers.is_empty() {
            ptr::null_mut()
        } else {
            self.pointers.as_ptr().cast_mut()
        }
    }

    /// For `extra`.
    pub fn extra(&self) -> *mut *mut c_void {
        if self.size.is_some() { self.pointers.as_ptr().cast_mut() } else { ptr::null_mut() }
    }
}
