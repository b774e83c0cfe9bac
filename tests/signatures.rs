//! Rows cudarc does not bind are checked against the documented C signature instead; stream flavours
//! call their own symbol. What cudarc binds is checked when the library is compiled: `mutants.rs`
//! shows that it is.

mod support;

use std::collections::BTreeMap;

use support::{facts, root};

/// A row of the table: names, argument types, whether cudarc binds it.
struct Row {
    names: Vec<String>,
    types: Vec<String>,
    unbound: bool,
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(root().join("src/hooks/mod.rs")).expect("the table");
    let table = text.split_once("hooks! {").expect("it has the table").1;
    let table: String = table
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ");
    let rows = table.split(';').filter(|row| row.contains('[') && row.contains('('));
    rows.map(|row| {
        let (head, rest) = row.split_once(']').expect("names in brackets");
        let (before, names) = head.split_once('[').expect("names in brackets");
        let arguments = rest.split_once('(').expect("arguments").1;
        let arguments = arguments.rsplit_once(')').expect("arguments").0;
        Row {
            names: names.split_whitespace().map(String::from).collect(),
            types: arguments
                .split(',')
                .filter_map(|one| Some(one.split_once(':')?.1.trim().into()))
                .collect(),
            unbound: before.contains("unbound"),
        }
    })
    .collect()
}

/// A C parameter as the table writes it.
fn rust_type(parameter: &str) -> String {
    let array = parameter.ends_with("[]");
    let parameter = parameter.trim_end_matches("[]").trim();
    let end = parameter.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
    let declared = parameter[..end].trim();
    let constant = declared.starts_with("const ");
    let stars = declared.matches('*').count() + usize::from(array);
    let base = declared.trim_start_matches("const ").replace('*', "");
    let base = match base.trim() {
        "unsigned int" | "GLuint" | "CUGLDeviceList" | "VdpDevice" | "CUdeviceptr_v1" => "c_uint",
        "int" => "c_int",
        "size_t" => "usize",
        "char" => "c_char",
        "unsigned char" => "c_uchar",
        "unsigned short" => "c_ushort",
        "unsigned long long" => "c_ulonglong",
        "void" | "VdpGetProcAddress" => "c_void",
        other => other,
    };
    let pointers = (0..stars).map(|nth| if nth == 0 && constant { "*const " } else { "*mut " });
    // The innermost pointer is the one that may be const.
    pointers.collect::<Vec<_>>().into_iter().rev().collect::<String>() + base
}

fn documented(signature: &str) -> Vec<String> {
    let parameters =
        signature.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != "void");
    parameters.map(rust_type).collect()
}

/// Names the headers have two types for.
fn same(ours: &str, theirs: &str) -> bool {
    let plain = |text: &str| {
        let text = text
            .replace("_v1", "")
            .replace("_v2", "")
            .replace("cuuint64_t", "c_ulonglong")
            .replace("_enum", "");
        text.replace("cuuint32_t", "c_uint")
    };
    plain(ours) == plain(theirs)
}

fn signatures() -> BTreeMap<String, String> {
    facts::entry_points().into_iter().map(|point| (point.name, point.signature)).collect()
}

#[test]
fn unbound_rows_have_the_documented_signature() {
    let signatures = signatures();
    let unbound: Vec<_> = rows().into_iter().filter(|row| row.unbound).collect();
    assert!(unbound.len() > 20, "the table was read");
    for row in unbound {
        for name in &row.names {
            let expected = documented(
                signatures.get(name).unwrap_or_else(|| panic!("{name}: no signature, no row")),
            );
            assert_eq!(row.types.len(), expected.len(), "{name}: {:?} {expected:?}", row.types);
            for (ours, theirs) in row.types.iter().zip(&expected) {
                assert!(same(ours, theirs), "{name}: {ours} is documented as {theirs}");
            }
        }
    }
}

#[test]
fn a_wrong_type_would_be_noticed() {
    let expected =
        documented("CUdeviceptr_v1 *dptr, unsigned int bytesize, const char *name, void **values");
    assert_eq!(expected, ["*mut c_uint", "c_uint", "*const c_char", "*mut *mut c_void"]);
    assert!(
        !same("usize", "c_uint")
            && !same("*mut CUdeviceptr", "*mut c_uint")
            && !same("c_int", "c_uint")
    );
}

/// A flavour in a row has the signature of the row's first name: the headers must agree.
#[test]
fn stream_flavours_have_their_base_names_signature() {
    let signatures = signatures();
    for row in rows() {
        let (base, flavours) = row.names.split_first().expect("a name");
        for flavour in flavours {
            assert!(
                ["_ptsz", "_ptds"].iter().any(|end| flavour.strip_suffix(end) == Some(base)),
                "{flavour}"
            );
            let [base, flavour] = [base, flavour].map(|name| documented(&signatures[name]));
            assert_eq!(base, flavour);
        }
    }
}
