//! Options that are one word out of a few.
#![forbid(unsafe_code)]

macro_rules! choice {
    ($(#[$about:meta])* $type:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum $type { $($(#[$each])* $variant,)* }

        impl $type {
            /// The word for it in a variable.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $word,)* }
            }

            pub(super) fn parse(text: &str) -> Option<$type> {
                match text { $($word => Some($type::$variant),)* _ => None }
            }
        }
    };
}

choice! {
    /// How much is said on standard error.
    Level {
        Off = "off",
        Error = "error",
        Warn = "warn",
        Info = "info",
        Debug = "debug",
    }
}

choice! {
    /// By what means a client gets its share of the SMs.
    Share {
        /// MPS where there is one, else pacing.
        Auto = "auto",
        Mps = "mps",
        Pace = "pace",
        Off = "off",
    }
}

choice! {
    /// Whose work goes first under MPS.
    Priority {
        Normal = "normal",
        Low = "low",
    }
}

choice! {
    /// What is thought of running outside MPS.
    Mps {
        Require = "require",
        Prefer = "prefer",
        Ignore = "ignore",
    }
}

choice! {
    /// What a process does after a fault that cost it its context.
    OnFault {
        Keep = "keep",
        Exit = "exit",
    }
}

choice! {
    /// What a client is shown for the device.
    View {
        /// Its quota.
        Slice = "slice",
        Device = "device",
    }
}

/// The status a process ends with that `CUOTA_ON_FAULT=exit` ends: that of a failure that passes, so that
/// starting again may help.
pub const LEFT_FOR_FAULT: i32 = 75;
