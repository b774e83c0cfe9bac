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
    pub const UNSUPPORTED_EXEC_AFFINITY: Status = Status(224);
    pub const INVALID_CONTEXT: Status = Status(201);
    pub const NOT_READY: Status = Status(600);
    pub const NOT_PERMITTED: Status = Status(800);
    pub const NOT_SUPPORTED: Status = Status(801);
    pub const MPS_CONNECTION_FAILED: Status = Status(805);
    pub const CDP_NOT_SUPPORTED: Status = Status(811);

    /// Whether this says that the device is lost to this process: whatever it asks for next is answered so.
    /// 720, a cooperative launch that is too large, is a refusal like any other.
    pub fn is_fatal(self) -> bool {
        matches!(self.0, 226 | 700 | 702 | 710 | 714..=719 | 721 | 806 | 810 | 911)
    }

    /// Whether it may be about the device itself, whatever was asked.
    pub fn is_of_the_device(self) -> bool {
        matches!(self.0, 214 | 220 | 999)
    }

    /// Whether it is because something is captured.
    pub fn is_of_a_capture(self) -> bool {
        matches!(self.0, 900..=908)
    }

    /// Whether that is MPS's doing, and no work's.
    pub fn is_of_mps(self) -> bool {
        matches!(self.0, 805..=810)
    }

    pub fn ok(self) -> bool {
        self == Status::SUCCESS
    }
}
