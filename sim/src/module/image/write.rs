//! Writing a cubin that says what an image says: what the linker gives back.

use super::{Image, Kernel, cubin};

/// Marks code whose names are unknown.
pub const OPAQUE: &str = ".nv.sim.opaque";

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
const NOBITS: u32 = 8;
const INFO: u32 = 0x7000_0000;

#[derive(Default)]
struct Writer {
    /// Name, kind, contents, and the size where there are none.
    sections: Vec<(String, u32, Vec<u8>, u64)>,
    strings: Vec<u8>,
    symbols: Vec<u8>,
    info: Vec<u8>,
}

impl Writer {
    fn section(&mut self, name: String, kind: u32, bytes: Vec<u8>) -> u16 {
        let size = bytes.len() as u64;
        self.sections.push((name, kind, bytes, size));
        self.sections.len() as u16
    }

    /// Adds a symbol and tells its number.
    fn symbol(&mut self, name: &[u8], info: u8, other: u8, section: u16, size: u64) -> u32 {
        self.symbols.extend((self.strings.len() as u32).to_le_bytes());
        self.symbols.extend([info, other]);
        self.symbols.extend(section.to_le_bytes());
        self.symbols.extend([0; 8]);
        self.symbols.extend(size.to_le_bytes());
        self.strings.extend(name);
        self.strings.push(0);
        (self.symbols.len() / 24 - 1) as u32
    }

    fn kernel(&mut self, kernel: &Kernel, capability: u32) {
        let name = kernel.name.to_string_lossy().into_owned();
        let section = self.section(format!(".text.{name}"), PROGBITS, vec![0; 16]);
        let number = self.symbol(kernel.name.to_bytes(), 0x12, cubin::ENTRY, section, 16);
        record(&mut self.info, cubin::REGISTERS, &[number, kernel.registers]);
        record(&mut self.info, cubin::FRAME, &[number, kernel.local]);
        let mut about = Vec::new();
        if kernel.limit > 0 {
            record(&mut about, cubin::MAX_THREADS, &[kernel.limit, 1, 1]);
        }
        for (ordinal, param) in kernel.params.iter().flatten().enumerate() {
            let place = (param.offset as u32) << 16 | ordinal as u32;
            record(&mut about, cubin::KERNEL_PARAM, &[0, place, (param.size as u32) << 18]);
        }
        self.section(format!(".nv.info.{name}"), INFO, about);
        let reserved = if capability >= 90 { cubin::RESERVED_SHARED } else { 0 };
        if kernel.shared > 0 {
            self.sections.push((
                format!(".nv.shared.{name}"),
                NOBITS,
                Vec::new(),
                u64::from(kernel.shared + reserved),
            ));
        }
    }
}

fn record(to: &mut Vec<u8>, attribute: u8, words: &[u32]) {
    to.extend([cubin::IN_RECORD, attribute]);
    to.extend((words.len() as u16 * 4).to_le_bytes());
    words.iter().for_each(|word| to.extend(word.to_le_bytes()));
}

pub fn write_cubin(image: &Image, capability: u32) -> Vec<u8> {
    let mut writer = Writer { strings: vec![0], symbols: vec![0; 24], ..Writer::default() };
    image.kernels.iter().for_each(|kernel| writer.kernel(kernel, capability));
    for global in &image.globals {
        let mut value = global.initial.clone();
        value.resize(global.size, 0);
        let section = writer.section(format!(".nv.global.init.{}", global.name), PROGBITS, value);
        let other = if global.managed { cubin::MANAGED } else { 0 };
        writer.symbol(global.name.as_bytes(), 0x11, other, section, global.size as u64);
    }
    if image.opaque {
        writer.section(OPAQUE.to_owned(), PROGBITS, Vec::new());
    }
    let (info, symbols, strings) =
        (writer.info.clone(), writer.symbols.clone(), writer.strings.clone());
    writer.section(".nv.info".to_owned(), INFO, info);
    writer.section(".symtab".to_owned(), SYMTAB, symbols);
    writer.section(".strtab".to_owned(), STRTAB, strings);
    file(&writer.sections, capability)
}

/// Header, contents, names of sections, section headers.
fn file(sections: &[(String, u32, Vec<u8>, u64)], capability: u32) -> Vec<u8> {
    let mut file = vec![0; 64];
    let mut names = vec![0];
    let mut headers = vec![0; 64];
    let mut header = |name: &str, kind: u32, offset: usize, size: u64, names: &mut Vec<u8>| {
        headers.extend((names.len() as u32).to_le_bytes());
        headers.extend(kind.to_le_bytes());
        headers.extend([0; 16]);
        headers.extend((offset as u64).to_le_bytes());
        headers.extend(size.to_le_bytes());
        headers.extend([0; 24]);
        names.extend(name.as_bytes());
        names.push(0);
    };
    for (name, kind, bytes, size) in sections {
        header(name, *kind, file.len(), *size, &mut names);
        file.extend(bytes);
    }
    let own_name = b".shstrtab\0";
    header(".shstrtab", STRTAB, file.len(), (names.len() + own_name.len()) as u64, &mut names);
    file.extend(names);
    let table = file.len() as u64;
    file.extend(headers);
    let count = sections.len() as u16 + 2;
    file[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x33");
    file[8] = 7;
    file[16..20].copy_from_slice(&[2, 0, cubin::MACHINE_CUDA as u8, 0]);
    file[40..48].copy_from_slice(&table.to_le_bytes());
    file[48..52].copy_from_slice(&(capability << 16 | capability).to_le_bytes());
    file[60..62].copy_from_slice(&count.to_le_bytes());
    file[62..64].copy_from_slice(&(count - 1).to_le_bytes());
    file
}
