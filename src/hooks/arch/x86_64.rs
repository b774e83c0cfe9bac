//! x86-64: r11 is free between a call and the callee's first instruction.

/// The exported symbol: on to wherever the entry's slot leads (x86 loads are acquire loads).
macro_rules! exported_jump {
    ($entry:path) => {
        core::arch::naked_asm!("jmp qword ptr [rip + {entry}]", entry = sym $entry)
    };
}

/// What a slot leads to before the library is loaded: load it, then take the slot again.
macro_rules! first_call {
    ($entry:path, $open:path) => {
        core::arch::naked_asm!(
            "lea r11, [rip + {entry}]",
            "jmp {open}",
            entry = sym $entry,
            open = sym $open,
        )
    };
}

/// What a slot leads to while calls are counted: one more, then on to the target.
macro_rules! counted_jump {
    ($entry:path) => {
        core::arch::naked_asm!(
            "mov r11, qword ptr [rip + {entry} + 16]",
            "lock inc qword ptr [r11]",
            "jmp qword ptr [rip + {entry} + 8]",
            entry = sym $entry,
        )
    };
}

/// Saves what a call may carry (integer and vector arguments, the static chain, the count of vector
/// registers), has `open` load the library behind the entry in r11, and jumps where the slot leads
/// then.
macro_rules! open_and_retry {
    ($open:path) => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            "push rbp",
            ".cfi_def_cfa_offset 16",
            ".cfi_offset rbp, -16",
            "mov rbp, rsp",
            ".cfi_def_cfa_register rbp",
            "sub rsp, 208",
            "mov [rsp], rdi",
            "mov [rsp + 8], rsi",
            "mov [rsp + 16], rdx",
            "mov [rsp + 24], rcx",
            "mov [rsp + 32], r8",
            "mov [rsp + 40], r9",
            "mov [rsp + 48], rax",
            "mov [rsp + 56], r10",
            "mov [rsp + 64], r11",
            "movups [rsp + 80], xmm0",
            "movups [rsp + 96], xmm1",
            "movups [rsp + 112], xmm2",
            "movups [rsp + 128], xmm3",
            "movups [rsp + 144], xmm4",
            "movups [rsp + 160], xmm5",
            "movups [rsp + 176], xmm6",
            "movups [rsp + 192], xmm7",
            "mov rdi, r11",
            "call {open}",
            "mov rdi, [rsp]",
            "mov rsi, [rsp + 8]",
            "mov rdx, [rsp + 16]",
            "mov rcx, [rsp + 24]",
            "mov r8, [rsp + 32]",
            "mov r9, [rsp + 40]",
            "mov rax, [rsp + 48]",
            "mov r10, [rsp + 56]",
            "mov r11, [rsp + 64]",
            "movups xmm0, [rsp + 80]",
            "movups xmm1, [rsp + 96]",
            "movups xmm2, [rsp + 112]",
            "movups xmm3, [rsp + 128]",
            "movups xmm4, [rsp + 144]",
            "movups xmm5, [rsp + 160]",
            "movups xmm6, [rsp + 176]",
            "movups xmm7, [rsp + 192]",
            "mov rsp, rbp",
            "pop rbp",
            ".cfi_def_cfa rsp, 8",
            "jmp qword ptr [r11]",
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
            "sub rsp, 40",
            ".cfi_adjust_cfa_offset 40",
            "mov rdx, rsi",
            "mov rsi, rdi",
            "mov rdi, rsp",
            "mov rcx, [rsp + 40]",
            "call {rewrite}",
            "mov rax, [rsp]",
            "mov rdi, [rsp + 8]",
            "mov rsi, [rsp + 16]",
            "mov rdx, [rsp + 24]",
            "add rsp, 40",
            ".cfi_adjust_cfa_offset -40",
            "jmp rax",
            ".cfi_endproc",
            rewrite = sym $rewrite,
        )
    };
}
