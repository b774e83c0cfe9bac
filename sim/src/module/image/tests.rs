use super::*;

const TEXT: &str = r#"
// .version 9.9 in a comment
.version 8.0
.target sm_80, debug
.address_size 64
.global .align 4 .u32 counter = 3;
.visible .global .align 8 .b8 table[0x40] = {1, 2, 3};
.visible .const .align 8 .f64 coefficients[4];
.extern .global .align 4 .u32 elsewhere;
.global .attribute(.managed) .align 4 .u32 everywhere;
.extern .shared .align 16 .b8 dynamic[];
.func (.param .b32 r) helper(.param .b32 x) { ret; }
/* .entry hidden () {} */
.visible .entry axpy(
	.param .f32 a,
	.param .u64 .ptr .global .align 16 x,
	.param .align 8 .b8 s[24],
	.param .u8 c
)
.maxntid 128, 2, 1
.reqnctapercluster 2, 1, 1
{
	.reg .b32 %r<4>;
	.shared .align 4 .b8 s1[512];
	{ .shared .v2 .f32 s2[8]; }
	.local .align 8 .b8 depot[40];
	ret;
}
.weak .entry empty { ret; }
"#;

#[test]
fn ptx_names_kernels_and_globals() {
    let image = ptx::read(TEXT, 90, 84).unwrap();
    let names: Vec<_> = image.kernels.iter().map(|kernel| kernel.name.to_str().unwrap()).collect();
    assert_eq!(names, ["axpy", "empty"]);
    let axpy = &image.kernels[0];
    let params: Vec<_> =
        axpy.params.iter().flatten().map(|param| (param.offset, param.size)).collect();
    assert_eq!(params, [(0, 4), (8, 8), (16, 24), (40, 1)]);
    assert_eq!((axpy.shared, axpy.local, axpy.limit), (576, 40, 256));
    assert_eq!((axpy.cluster, axpy.ptx_version, axpy.binary_version), (Some([2, 1, 1]), 80, 90));
    assert_eq!(image.kernels[1].params.as_deref(), Some(&[][..]));
    let globals: Vec<_> =
        image.globals.iter().map(|g| (g.name.as_str(), g.size, g.managed)).collect();
    assert_eq!(
        globals,
        [
            ("counter", 4, false),
            ("table", 64, false),
            ("coefficients", 32, false),
            ("everywhere", 4, true)
        ]
    );
}

#[test]
fn ptx_is_refused_for_a_reason() {
    let read = |text: &str| ptx::read(text, 80, 84).unwrap_err();
    assert_eq!(read("no code at all"), E::INVALID_IMAGE);
    assert_eq!(read(".version 8.0\n.entry k() {}"), E::INVALID_PTX);
    assert_eq!(read(".version 8.5\n.target sm_80"), E::UNSUPPORTED_PTX_VERSION);
    assert_eq!(read(".version 8.0\n.target sm_90"), E::INVALID_PTX);
    assert_eq!(read(".version 8.0\n.target sm_80\n.entry k() { ret;"), E::INVALID_PTX);
    assert_eq!(read(".version 8.0\n.target sm_80\n.entry k(.param .u64 a"), E::INVALID_PTX);
}

/// A cubin of one kernel `k`, by hand: sections for names, symbols, code and what describes it.
fn cubin_bytes(flags: u32, abi: u8) -> Vec<u8> {
    let shstrtab = b"\0.shstrtab\0.strtab\0.symtab\0.text.k\0.nv.info\0.nv.info.k\0.nv.shared.k\0.nv.global.init\0";
    let at = |name: &str| {
        shstrtab.windows(name.len()).position(|w| w == name.as_bytes()).unwrap() as u32
    };
    let strtab = b"\0k\0g\0";
    let mut symtab = vec![0; 24];
    for (name, info, other, section, size) in
        [(1_u32, 0x12_u8, 0x10_u8, 4_u16, 16_u64), (3, 0x11, 0, 8, 4)]
    {
        symtab.extend(name.to_le_bytes());
        symtab.extend([info, other]);
        symtab.extend(section.to_le_bytes());
        symtab.extend(0_u64.to_le_bytes());
        symtab.extend(size.to_le_bytes());
    }
    let info = [4, 0x2f, 8, 0, 1, 0, 0, 0, 40, 0, 0, 0];
    let mut kernel_info = vec![3, 0x1b, 0xff, 0];
    for (ordinal, offset, size) in [(1_u16, 8_u16, 24_u32), (0, 0, 8)] {
        kernel_info.extend([4, 0x17, 12, 0, 0, 0, 0, 0]);
        kernel_info.extend(ordinal.to_le_bytes());
        kernel_info.extend(offset.to_le_bytes());
        kernel_info.extend((size << 18 | 0x1f000).to_le_bytes());
    }
    let parts: [(&str, u32, &[u8], u64); 8] = [
        (".shstrtab", 3, shstrtab, 0),
        (".strtab", 3, strtab, 0),
        (".symtab", 2, &symtab, 0),
        (".text.k", 1, &[0; 16], 0),
        (".nv.info", 0x7000_0000, &info, 0),
        (".nv.info.k", 0x7000_0000, &kernel_info, 0),
        (".nv.shared.k", 8, &[], 1536),
        (".nv.global.init", 1, &[3, 0, 0, 0], 0),
    ];
    let mut file = vec![0; 64];
    let mut headers = vec![0; 64];
    for (name, kind, bytes, size) in parts {
        let mut header = Vec::new();
        header.extend(at(name).to_le_bytes());
        header.extend(kind.to_le_bytes());
        header.extend([0; 16]);
        header.extend((file.len() as u64).to_le_bytes());
        header.extend(size.max(bytes.len() as u64).to_le_bytes());
        header.resize(64, 0);
        headers.extend(header);
        file.extend(bytes);
    }
    let table = file.len() as u64;
    file.extend(headers);
    file[..4].copy_from_slice(b"\x7fELF");
    file[8] = abi;
    file[18..20].copy_from_slice(&190_u16.to_le_bytes());
    file[40..48].copy_from_slice(&table.to_le_bytes());
    file[48..52].copy_from_slice(&flags.to_le_bytes());
    file[60..62].copy_from_slice(&9_u16.to_le_bytes());
    file[62..64].copy_from_slice(&1_u16.to_le_bytes());
    file
}

#[test]
fn a_cubin_names_kernels_and_globals() {
    let file = cubin_bytes(0x5a_055a, 7);
    let image = read_bytes(&file, 90).unwrap();
    let kernel = &image.kernels[0];
    assert_eq!(kernel.name.as_c_str(), c"k");
    assert_eq!((kernel.registers, kernel.shared), (40, 512));
    let params: Vec<_> =
        kernel.params.iter().flatten().map(|param| (param.offset, param.size)).collect();
    assert_eq!(params, [(0, 8), (8, 24)]);
    assert_eq!(
        image.globals,
        [Global { name: "g".into(), size: 4, managed: false, initial: vec![3, 0, 0, 0] }]
    );
    // SAFETY: a whole file.
    assert_eq!(unsafe { cubin::length(file.as_ptr()) }, file.len());
}

#[test]
fn a_cubin_runs_on_its_own_major_version() {
    assert!(read_bytes(&cubin_bytes(0x0600_6402, 8), 103).is_ok());
    assert_eq!(read_bytes(&cubin_bytes(0x0600_6402, 8), 90).unwrap_err(), E::NO_BINARY_FOR_GPU);
    assert_eq!(read_bytes(&cubin_bytes(0x56_0556, 7), 80).unwrap_err(), E::NO_BINARY_FOR_GPU);
    assert!(read_bytes(&cubin_bytes(0x50_0550, 7), 86).is_ok());
}

#[test]
fn damaged_cubins_are_refused_not_believed() {
    let file = cubin_bytes(0x5a_055a, 7);
    for cut in 0..file.len() {
        assert!(read_bytes(&file[..cut], 90).is_err(), "{cut}");
    }
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0xff;
        let _ = read_bytes(&damaged, 90);
    }
}

#[test]
fn damaged_text_and_fat_binaries_do_no_harm() {
    let fat = fat(&[(1, 70, 0, TEXT.as_bytes(), 0), (2, 80, 1 << 13, b"\x36abc\x03\x00\x10z", 14)]);
    for whole in [TEXT.as_bytes(), &fat] {
        for at in 0..whole.len() {
            let _ = read_bytes(&whole[..at], 90);
            for byte in *b"\"{(;.[0/" {
                let mut damaged = whole.to_vec();
                damaged[at] = byte;
                let _ = read_bytes(&damaged, 90);
            }
        }
    }
}

fn fat(entries: &[(u16, u32, u64, &[u8], usize)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, arch, flags, bytes, unpacked) in entries {
        let packed = if *flags == 0 { 0 } else { bytes.len() as u32 };
        let padded = bytes.len().next_multiple_of(8);
        let mut header = Vec::new();
        header.extend(kind.to_le_bytes());
        header.extend([1, 1]);
        header.extend(64_u32.to_le_bytes());
        header.extend((padded as u64).to_le_bytes());
        header.extend(packed.to_le_bytes());
        header.resize(28, 0);
        header.extend(arch.to_le_bytes());
        header.resize(40, 0);
        header.extend(flags.to_le_bytes());
        header.resize(56, 0);
        header.extend((*unpacked as u64).to_le_bytes());
        body.extend(header);
        body.extend(*bytes);
        body.resize(body.len() + padded - bytes.len(), 0);
    }
    let mut file = vec![0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0];
    file.extend((body.len() as u64).to_le_bytes());
    file.extend(body);
    file
}

#[test]
fn the_best_entry_of_a_fat_binary_is_taken() {
    let cubin = cubin_bytes(0x50_0550, 7);
    let ptx = b".version 8.0\n.target sm_70\n.entry from_text() {}";
    let file =
        fat(&[(2, 80, 0, &cubin, 0), (1, 70, 0, ptx, 0), (2, 100, 0, b"never looked at", 0)]);
    let name = |image: Image| image.kernels[0].name.to_str().unwrap().to_owned();
    assert_eq!(name(read_bytes(&file, 86).unwrap()), "k");
    assert_eq!(name(read_bytes(&file, 90).unwrap()), "from_text");
    assert_eq!(read_bytes(&file, 60).unwrap_err(), E::NO_BINARY_FOR_GPU);
}

#[test]
fn compressed_entries_are_unpacked_or_taken_on_trust() {
    let text = b".version 8.0\n.target sm_70\n.entry packed() {}";
    let mut packed = vec![0xf0, (text.len() - 15) as u8];
    packed.extend(text);
    let lz4 = fat(&[(1, 70, 1 << 13, &packed, text.len())]);
    assert_eq!(read_bytes(&lz4, 90).unwrap().kernels[0].name.as_c_str(), c"packed");
    let zstd = fat(&[(1, 70, 1 << 15, b"opaque", 100)]);
    let image = read_bytes(&zstd, 90).unwrap();
    assert!(image.kernel(c"anything").is_some_and(|kernel| kernel.params.is_none()));
}
