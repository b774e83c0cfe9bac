//! aarch64 (Grace): x16 and x17 are free between a call and the callee's first instruction.
//! Assembled by the tests where a cross assembler is at hand; never run.

/// The exported symbol: on to wherever the entry's slot leads.
macro_rules! exported_jump {
    ($entry:path) => {
        core::arch::naked_asm!(
            "adrp x16, {entry}",
            "add x16, x16, :lo12:{entry}",
            "ldar x17, [x16]",
            "br x17",
            entry = sym $entry,
        )
    };
}

/// What a slot leads to before the library is loaded: load it, then take the slot again.
macro_rules! first_call {
    ($entry:path, $open:path) => {
        core::arch::naked_asm!(
            "adrp x16, {entry}",
            "add x16, x16, :lo12:{entry}",
            "b {open}",
            entry = sym $entry,
            open = sym $open,
        )
    };
}

/// What a slot leads to while calls are counted: one more, then on to the target. The exclusive
/// pair needs a status register besides the scratch ones: x15 is a plain temporary.
macro_rules! counted_jump {
    ($entry:path) => {
        core::arch::naked_asm!(
            "adrp x16, {entry}",
            "add x16, x16, :lo12:{entry}",
            "ldr x16, [x16, #16]",
            "1:",
            "ldxr x17, [x16]",
            "add x17, x17, #1",
            "stxr w15, x17, [x16]",
            "cbnz w15, 1b",
            "adrp x16, {entry}",
            "add x16, x16, :lo12:{entry}",
            "ldr x17, [x16, #8]",
            "br x17",
            entry = sym $entry,
        )
    };
}

/// Saves what a call may carry (integer and vector arguments, the indirect result, the return
/// address), has `open` load the library behind the entry in x16, and jumps where the slot leads
/// then.
macro_rules! open_and_retry {
    ($open:path) => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            "stp x29, x30, [sp, #-224]!",
            ".cfi_def_cfa_offset 224",
            ".cfi_offset x29, -224",
            ".cfi_offset x30, -216",
            "mov x29, sp",
            "stp x0, x1, [sp, #16]",
            "stp x2, x3, [sp, #32]",
            "stp x4, x5, [sp, #48]",
            "stp x6, x7, [sp, #64]",
            "stp x8, x16, [sp, #80]",
            "stp q0, q1, [sp, #96]",
            "stp q2, q3, [sp, #128]",
            "stp q4, q5, [sp, #160]",
            "stp q6, q7, [sp, #192]",
            "mov x0, x16",
            "bl {open}",
            "ldp x0, x1, [sp, #16]",
            "ldp x2, x3, [sp, #32]",
            "ldp x4, x5, [sp, #48]",
            "ldp x6, x7, [sp, #64]",
            "ldp x8, x16, [sp, #80]",
            "ldp q0, q1, [sp, #96]",
            "ldp q2, q3, [sp, #128]",
            "ldp q4, q5, [sp, #160]",
            "ldp q6, q7, [sp, #192]",
            "ldp x29, x30, [sp], #224",
            ".cfi_restore x29",
            ".cfi_restore x30",
            ".cfi_def_cfa_offset 0",
            "ldar x17, [x16]",
            "br x17",
            ".cfi_endproc",
            open = sym $open,
        )
    };
}

/// A loader function of two arguments: `rewrite` fills in where to jump and with which arguments.
macro_rules! rewritten_jump {
    ($rewrite:path) => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            "stp x29, x30, [sp, #-48]!",
            ".cfi_def_cfa_offset 48",
            ".cfi_offset x29, -48",
            ".cfi_offset x30, -40",
            "mov x29, sp",
            "mov x3, x30",
            "mov x2, x1",
            "mov x1, x0",
            "add x0, sp, #16",
            "bl {rewrite}",
            "ldp x16, x0, [sp, #16]",
            "ldp x1, x2, [sp, #32]",
            "ldp x29, x30, [sp], #48",
            ".cfi_restore x29",
            ".cfi_restore x30",
            ".cfi_def_cfa_offset 0",
            "br x16",
            ".cfi_endproc",
            rewrite = sym $rewrite,
        )
    };
}
