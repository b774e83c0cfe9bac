//! What a driver call answered.
#![forbid(unsafe_code)]

/// A `CUresult` as it crosses the ABI. Not cudarc's enum: a newer driver may return a code the enum
/// does not have, and holding one would be undefined behaviour.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Status(pub u32);

impl Status {
    pub const SUCCESS: Status = Status(0);
    pub const INVALID_VALUE: Status = Status(1);
    pub const OUT_OF_MEMORY: Status = Status(2);
    pub const NOT_INITIALIZED: Status = Status(3);
    pub const INVALID_CONTEXT: Status = Status(201);
    pub const NOT_READY: Status = Status(600);
    pub const NOT_SUPPORTED: Status = Status(801);
    pub const MPS_CONNECTION_FAILED: Status = Status(805);

    pub fn ok(self) -> bool {
        self == Status::SUCCESS
    }
}
