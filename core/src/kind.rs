//! By which way memory comes to be held. Part of a charge so that each way can be told apart, counted,
//! and in the tests be left out.
#![forbid(unsafe_code)]

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Kind {
    #[default]
    Linear,
    Pitched,
    Managed,
    Array,
    Mipmap,
    Vmm,
    Pool,
    Graph,
    Limit,
    /// What the driver takes for itself: contexts, code.
    Own,
    /// Memory that another member, another client or another API made. Takes nothing.
    Import,
}

impl Kind {
    pub const ALL: [Kind; 11] = [
        Kind::Linear,
        Kind::Pitched,
        Kind::Managed,
        Kind::Array,
        Kind::Mipmap,
        Kind::Vmm,
        Kind::Pool,
        Kind::Graph,
        Kind::Limit,
        Kind::Own,
        Kind::Import,
    ];

    pub fn from_code(code: u8) -> Kind {
        Kind::ALL.get(usize::from(code)).copied().unwrap_or_default()
    }

    /// As readers see it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Linear => "linear",
            Kind::Pitched => "pitched",
            Kind::Managed => "managed",
            Kind::Array => "array",
            Kind::Mipmap => "mipmap",
            Kind::Vmm => "vmm",
            Kind::Pool => "pool",
            Kind::Graph => "graph",
            Kind::Limit => "limit",
            Kind::Own => "driver",
            Kind::Import => "import",
        }
    }
}
