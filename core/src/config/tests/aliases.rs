use super::*;

const HAMI: (&str, &str) = ("CUDA_DEVICE_MEMORY_LIMIT", "3000m");
const PINNED: (&str, &str) = ("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT", "0=1G,1=512M");
const THREADS: (&str, &str) = ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "30");
const NAMED: (&str, &str) = ("CUOTA_CLIENT", "a");

fn adopted(config: &Config) -> Vec<String> {
    config.adopted.iter().map(Adopted::to_string).collect()
}

fn reported(config: &Config) -> Vec<String> {
    config.reported.iter().map(Reported::to_string).collect()
}

#[test]
fn hami_s_memory() {
    let config =
        read(&[HAMI, ("CUDA_DEVICE_MEMORY_LIMIT_0", "1g"), ("CUDA_DEVICE_MEMORY_LIMIT_31", "5")]);
    let wanted = Limits {
        every: Some(Size::Bytes(3000 << 20)),
        each: vec![
            (DeviceName::Ordinal(0), Size::Bytes(G)),
            (DeviceName::Ordinal(31), Size::Bytes(5)),
        ],
    };
    assert_eq!(config.vram, wanted);
    assert!(config.strict);
    assert_eq!(
        adopted(&config),
        [
            "CUDA_DEVICE_MEMORY_LIMIT=\"3000m\" is taken for CUOTA_VRAM",
            "CUDA_DEVICE_MEMORY_LIMIT_0=\"1g\" is taken for CUOTA_VRAM",
            "CUDA_DEVICE_MEMORY_LIMIT_31=\"5\" is taken for CUOTA_VRAM",
        ]
    );
    assert_eq!(read(&[("CUDA_DEVICE_MEMORY_LIMIT_32", "lots")]), Config::default());
}

#[test]
fn hami_s_cores() {
    let config = read(&[("CUDA_DEVICE_SM_LIMIT", "30")]);
    assert_eq!(config.sm, Some(Sm::Percent(30_000)));
    assert!(config.strict);
    assert_eq!(adopted(&config), ["CUDA_DEVICE_SM_LIMIT=\"30\" is taken for CUOTA_SM"]);
}

#[test]
fn no_limit_is_not_worth_a_word() {
    for (variable, value) in [
        ("CUDA_DEVICE_MEMORY_LIMIT", "0"),
        ("CUDA_DEVICE_MEMORY_LIMIT", " 0m "),
        ("CUDA_DEVICE_MEMORY_LIMIT_3", "0"),
        ("CUDA_DEVICE_SM_LIMIT", "0"),
        ("CUDA_DEVICE_SM_LIMIT", "100"),
        ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "100"),
        ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "100.0"),
    ] {
        assert_eq!(read(&[(variable, value)]), Config::default(), "{variable}={value}");
        let named = Config { client: Some("a".into()), ..Config::default() };
        assert_eq!(read(&[NAMED, (variable, value)]), named, "{variable}={value}");
    }
    // Nor does it stand in the way of one.
    let config = read(&[("CUDA_DEVICE_MEMORY_LIMIT", "0"), PINNED, NAMED]);
    assert_eq!(config.adopted.len(), 1);
}

#[test]
fn nvidia_s_are_the_client_s_only_where_it_has_a_name() {
    let config = read(&[PINNED, THREADS]);
    assert!(config.vram.is_empty() && config.sm.is_none() && !config.strict);
    assert_eq!(
        reported(&config),
        [
            "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT=\"0=1G,1=512M\" is not the client's limit: it is for one process, and nobody named the client with CUOTA_CLIENT",
            "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=\"30\" is not the client's limit: it is for one process, and nobody named the client with CUOTA_CLIENT",
        ]
    );

    let config = read(&[PINNED, THREADS, NAMED]);
    let each =
        [(DeviceName::Ordinal(0), Size::Bytes(G)), (DeviceName::Ordinal(1), Size::Bytes(G / 2))];
    assert_eq!(config.vram, Limits { every: None, each: each.into() });
    assert_eq!(config.sm, Some(Sm::Percent(30_000)));
    assert!(config.strict && config.reported.is_empty());
    assert_eq!(config.adopted.len(), 2);

    // A name that cannot be read is none.
    // What `cuota run` calls a client that nobody named.
    let run = name_of_run(7, Duration::from_secs(1));
    assert!(is_client_name(&run), "{run}");
    let config = read(&[PINNED, ("CUOTA_CLIENT", &run)]);
    assert_eq!((config.adopted.len(), config.reported.len()), (0, 1));
    let config = read(&[PINNED, ("CUOTA_CLIENT", "run-7-it")]);
    assert_eq!((config.adopted.len(), config.reported.len()), (1, 0));
    let (config, complaints) = parse(&[PINNED, ("CUOTA_CLIENT", "a/b")]);
    assert_eq!((complaints.len(), config.reported.len()), (1, 1));
    assert!(config.vram.is_empty() && !config.strict);
}

#[test]
fn ours_come_first_then_hami_s() {
    let config = read(&[("CUOTA_VRAM", "8G"), HAMI, PINNED, NAMED]);
    assert_eq!(config.vram.every, Some(Size::Bytes(8 * G)));
    assert!(config.adopted.is_empty());
    let by = |variable: &'static str| Why::Outranked(variable);
    let why = |config: &Config| config.reported.iter().map(|it| it.why).collect::<Vec<_>>();
    assert_eq!(why(&config), [by("CUOTA_VRAM"); 2]);
    assert_eq!(
        config.reported[0].to_string(),
        "CUDA_DEVICE_MEMORY_LIMIT=\"3000m\" is not the client's limit: CUOTA_VRAM is set"
    );

    let config = read(&[HAMI, ("CUDA_DEVICE_SM_LIMIT", "20"), PINNED, THREADS, NAMED]);
    assert_eq!(config.vram.each, []);
    assert_eq!(config.sm, Some(Sm::Percent(20_000)));
    assert_eq!(why(&config), [by("CUDA_DEVICE_MEMORY_LIMIT"), by("CUDA_DEVICE_SM_LIMIT")]);

    let config = read(&[("CUOTA_SM", "40sm"), ("CUDA_DEVICE_SM_LIMIT", "20"), THREADS]);
    assert_eq!(config.sm, Some(Sm::Count(40)));
    assert_eq!(why(&config), [by("CUOTA_SM"); 2]);
}

#[test]
fn ours_come_first_even_where_they_cannot_be_read() {
    let (config, complaints) = parse(&[("CUOTA_VRAM", "lots"), HAMI]);
    assert_eq!((complaints.len(), config.reported.len()), (1, 1));
    assert!(config.vram.is_empty() && config.strict);
}

#[test]
fn what_cannot_be_read() {
    let values = ["lots", "-1", "50%", "3000x", "0x", "1.5.5g", "0%", "0=1G", "0.0"];
    misread("CUDA_DEVICE_MEMORY_LIMIT", &values);
    misread("CUDA_DEVICE_MEMORY_LIMIT_0", &values);
    misread("CUDA_DEVICE_SM_LIMIT", &["101", "-1", "30%", "half", "0.5.5"]);
    for (variable, value) in [
        ("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT", "1G"),
        ("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT", "0=50%"),
        ("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT", "0=1G,0=2G"),
        ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "0"),
        ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "101"),
        ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "30%"),
    ] {
        let (config, complaints) = parse(&[NAMED, (variable, value)]);
        assert_eq!(complaints.len(), 1, "{variable}={value}");
        assert!(config.strict && config.vram.is_empty() && config.sm.is_none());
        // Where it would not have counted there is nothing to complain of.
        let (config, complaints) = parse(&[(variable, value)]);
        assert_eq!((complaints.len(), config.reported.len()), (0, 1), "{variable}={value}");
        assert!(!config.strict);
    }
}
