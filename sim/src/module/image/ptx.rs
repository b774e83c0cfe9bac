//! What PTX text says about itself: kernels with their parameters, and global variables.

use std::ffi::CString;
use std::sync::Arc;

use super::{Global, Image, Kernel, Param, USUAL_REGISTERS};
use crate::api::E;

/// Words and single signs, without comments.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            rest[1..].find('"').map_or(rest.len(), |end| end + 2)
        } else {
            let word = rest
                .find(|c: char| !(c.is_alphanumeric() || "._$%@".contains(c)))
                .unwrap_or(rest.len());
            let length = word.max(first.len_utf8());
            found.push(&rest[..length]);
            length
        };
        rest = &rest[length..];
    }
    found
}

/// One declared variable: `.align 8 .b8 name[24]` and the like.
#[derive(Default)]
struct Variable<'a> {
    name: &'a str,
    size: usize,
    align: usize,
}

fn variable<'a>(words: &[&'a str]) -> Option<Variable<'a>> {
    let (mut element, mut lanes, mut align, mut count) = (0, 1, 0, 1_usize);
    let mut name = "";
    let mut at = 0;
    while at < words.len() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        match words[at] {
            ".align" => align = next.parse().ok()?,
            ".v2" => lanes = 2,
            ".v4" => lanes = 4,
            "[" => count = count.checked_mul(if next == "]" { 0 } else { number(next)? })?,
            "=" => break,
            word if word.starts_with('.') => element = type_size(word).unwrap_or(element),
            word if name.is_empty()
                && !word.starts_with(|c: char| c.is_ascii_digit())
                && at > 0 =>
            {
                name = word
            }
            _ => {}
        }
        at += 1;
    }
    if name.is_empty() || element == 0 {
        return None;
    }
    Some(Variable {
        name,
        size: (element * lanes).checked_mul(count)?,
        align: align.max(element * lanes),
    })
}

fn number(word: &str) -> Option<usize> {
    match word.strip_prefix("0x") {
        Some(digits) => usize::from_str_radix(digits.trim_end_matches('U'), 16).ok(),
        None => word.trim_end_matches('U').parse().ok(),
    }
}

fn type_size(word: &str) -> Option<usize> {
    Some(match word {
        ".b8" | ".u8" | ".s8" | ".pred" => 1,
        ".b16" | ".u16" | ".s16" | ".f16" | ".bf16" => 2,
        ".b32" | ".u32" | ".s32" | ".f32" | ".f16x2" | ".bf16x2" => 4,
        ".b64" | ".u64" | ".s64" | ".f64" | ".texref" | ".samplerref" | ".surfref" => 8,
        ".b128" => 16,
        _ => return None,
    })
}

/// `.ptr .global .align 16` describes what a parameter points to, not the parameter.
fn without_pointee<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let Some(at) = words.iter().position(|word| *word == ".ptr") else { return words.to_vec() };
    let mut kept = words[..at].to_vec();
    kept.extend(words.last());
    kept
}

pub fn read(text: &str, capability: u32, newest: u32) -> Result<Image, E> {
    let words = tokens(text);
    let after = |key: &str| {
        words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1).copied())
    };
    let version = after(".version").ok_or(E::INVALID_IMAGE)?;
    let version = version_number(version).ok_or(E::INVALID_PTX)?;
    if version > newest {
        return Err(E::UNSUPPORTED_PTX_VERSION);
    }
    let target =
        after(".target").and_then(|target| target.strip_prefix("sm_")).ok_or(E::INVALID_PTX)?;
    let target: u32 = target
        .trim_end_matches(|c: char| c.is_ascii_alphabetic())
        .parse()
        .or(Err(E::INVALID_PTX))?;
    if target > capability {
        return Err(E::INVALID_PTX);
    }
    let mut reader =
        Reader { words: &words, at: 0, image: Image::default(), version, capability, shared: 0 };
    reader.module().ok_or(E::INVALID_PTX)?;
    reader.image.bytes = text.len();
    Ok(reader.image)
}

fn version_number(word: &str) -> Option<u32> {
    let (major, minor) = word.split_once('.')?;
    Some(major.parse::<u32>().ok()? * 10 + minor.parse::<u32>().ok()?)
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    image: Image,
    version: u32,
    capability: u32,
    /// Shared variables outside of any kernel.
    shared: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    /// All words up to one of these signs, which is passed too.
    fn until(&mut self, ends: &[&str]) -> Option<(&'a [&'a str], &'a str)> {
        let start = self.at;
        loop {
            let word = self.next()?;
            if ends.contains(&word) {
                return Some((&self.words[start..self.at - 1], word));
            }
        }
    }

    /// What is between an opening brace, just passed, and its partner.
    fn block(&mut self) -> Option<&'a [&'a str]> {
        let start = self.at;
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
        }
        Some(&self.words[start..self.at - 1])
    }

    fn module(&mut self) -> Option<()> {
        while let Some(word) = self.next() {
            match word {
                ".entry" => self.kernel()?,
                ".func" => {
                    let (_, end) = self.until(&["{", ";"])?;
                    if end == "{" {
                        self.block()?;
                    }
                }
                ".global" | ".const" | ".shared" => {
                    let external = self.words[..self.at - 1].last() == Some(&".extern");
                    self.global(word, external)?;
                }
                ".section" => {
                    self.until(&["{"])?;
                    self.block()?;
                }
                _ => {}
            }
        }
        Some(())
    }

    fn global(&mut self, space: &str, external: bool) -> Option<()> {
        let (mut words, end) = self.until(&[";", "{"])?;
        if end == "{" {
            self.block()?;
            self.until(&[";"])?;
        }
        let managed = words.contains(&".managed");
        if words.first() == Some(&".attribute") {
            words = &words[words.iter().position(|word| *word == ")")? + 1..];
        }
        let mut whole = vec![space];
        whole.extend(words);
        let variable = variable(&whole)?;
        if space == ".shared" {
            self.shared += variable.size;
        } else if !external {
            let name = variable.name.to_owned();
            self.image.globals.push(Global {
                name,
                size: variable.size,
                managed,
                initial: Vec::new(),
            });
        }
        Some(())
    }

    fn kernel(&mut self) -> Option<()> {
        let name = self.next()?;
        let params = if self.words.get(self.at) == Some(&"(") {
            self.at += 1;
            parameters(self.until(&[")"])?.0)?
        } else {
            Vec::new()
        };
        let (directives, end) = self.until(&["{", ";"])?;
        if end == ";" {
            return Some(());
        }
        let body = self.block()?;
        let kernel = Kernel {
            name: CString::new(name).ok()?,
            params: Some(params),
            registers: USUAL_REGISTERS,
            shared: u32::try_from(self.shared + declared(body, ".shared")).ok()?,
            local: u32::try_from(declared(body, ".local")).ok()?,
            constant: 0,
            limit: limit(directives, ".maxntid")
                .or_else(|| limit(directives, ".reqntid"))
                .map_or(0, |d| d.iter().product()),
            cluster: limit(directives, ".reqnctapercluster"),
            ptx_version: self.version,
            binary_version: self.capability,
        };
        self.image.kernels.push(Arc::new(kernel));
        Some(())
    }
}

fn parameters(words: &[&str]) -> Option<Vec<Param>> {
    let mut end = 0_usize;
    let lists = words.split(|word| *word == ",").filter(|list| !list.is_empty());
    lists
        .map(|list| {
            let variable = variable(&without_pointee(list))?;
            let offset = end.checked_next_multiple_of(variable.align.max(1))?;
            end = offset.checked_add(variable.size)?;
            Some(Param { offset, size: variable.size })
        })
        .collect()
}

/// Bytes of the variables a body declares in that space.
fn declared(body: &[&str], space: &str) -> usize {
    let statements = body.split(|word| matches!(*word, ";" | "{" | "}"));
    let declarations = statements.filter(|words| words.first() == Some(&space));
    declarations.filter_map(variable).map(|variable| variable.size).sum()
}

/// `.maxntid 256, 1, 1`; dimensions left out are 1.
fn limit(directives: &[&str], key: &str) -> Option<[u32; 3]> {
    let at = directives.iter().position(|word| *word == key)?;
    let mut sizes = directives[at + 1..]
        .iter()
        .filter(|word| **word != ",")
        .map_while(|word| word.parse().ok());
    Some([sizes.next()?, sizes.next().unwrap_or(1), sizes.next().unwrap_or(1)])
}
