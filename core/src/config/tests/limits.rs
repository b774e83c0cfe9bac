use super::*;

const UUID: &str = "GPU-00112233-4455-6677-8899-aabbccddeeff";
const OTHER: Uuid = Uuid([7; 16]);

fn uuid() -> Uuid {
    UUID.parse().unwrap()
}

#[test]
fn uuids() {
    let bytes = [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd];
    assert_eq!(uuid().0[..14], bytes);
    assert_eq!(uuid().to_string(), UUID);
    for same in [UUID.replace("GPU", "MIG"), UUID.to_uppercase()] {
        assert_eq!(same.parse(), Ok(uuid()), "{same}");
    }
    let others = [
        "",
        "GPU-",
        "00112233-4455-6677-8899-aabbccddeeff",
        "gpu-00112233-4455-6677-8899-aabbccddeeff",
        "GPU-00112233445566778899aabbccddeeff",
        "GPU-00112233-4455-6677-8899-aabbccddeef",
        "GPU-00112233-4455-6677-8899-aabbccddeefg",
        "GPU-00112233-4455-6677-8899-aabbccddeeff0",
        "GPU-00112233-4455-6677-8899-aabbccddeeff-",
        "GPU-0011223-34455-6677-8899-aabbccddeeff",
        "GPU-00112233-4455-6677-8899-aabbccddee\u{ff}",
        "MIG-GPU-00112233-4455-6677-8899-aabbccddeeff/1/0",
    ];
    for text in others {
        assert_eq!(text.parse::<Uuid>(), Err(NotAUuid), "{text}");
    }
}

#[test]
fn one_size_is_for_every_device() {
    let limits = read(&[("CUOTA_VRAM", "8GiB")]).vram;
    assert_eq!(limits.for_device(&OTHER, None), Some(Size::Bytes(8 * G)));
    assert_eq!(limits.for_device(&OTHER, Some(3)), Some(Size::Bytes(8 * G)));
    assert!(!limits.is_empty());
}

#[test]
fn no_limits() {
    let limits = Limits::default();
    assert!(limits.is_empty());
    assert_eq!(limits.for_device(&OTHER, Some(0)), None);
}

#[test]
fn a_uuid_comes_before_an_ordinal_before_every() {
    let text = format!("0=2G, {UUID}=50% ,1G,1=3G");
    let limits = read(&[("CUOTA_VRAM", &text)]).vram;
    assert_eq!(limits.for_device(&uuid(), Some(0)), Some(Size::Percent(50_000)));
    assert_eq!(limits.for_device(&OTHER, Some(0)), Some(Size::Bytes(2 * G)));
    assert_eq!(limits.for_device(&OTHER, Some(1)), Some(Size::Bytes(3 * G)));
    assert_eq!(limits.for_device(&OTHER, Some(2)), Some(Size::Bytes(G)));
    assert_eq!(limits.for_device(&OTHER, None), Some(Size::Bytes(G)));
}

#[test]
fn a_device_that_is_not_named_has_no_limit() {
    let limits = read(&[("CUOTA_VRAM", "0=2G")]).vram;
    assert!(!limits.is_empty());
    assert_eq!(limits.for_device(&OTHER, Some(1)), None);
    assert_eq!(limits.for_device(&OTHER, None), None);
}

#[test]
fn lists_that_are_none() {
    let twice = format!("{UUID}=1G,{}=1G", UUID.replace("GPU", "MIG"));
    let lists = [
        ",",
        "1G,",
        ",1G",
        "1G,,0=1G",
        "1G,2G",
        "1G,1G",
        "0=1G,0=2G",
        "0=1G,00=1G",
        "0=",
        "=1G",
        "0=1G=2G",
        "-1=1G",
        "+1=1G",
        "a=1G",
        "GPU-0011=1G",
        "4294967296=1G",
        "0:1G",
        "0=1G;1=1G",
        "0=0",
        "0=4x",
        " ",
        &twice,
    ];
    misread("CUOTA_VRAM", &lists);
}
