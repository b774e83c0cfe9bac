//! Entry points: vmm.
