//! A daemon with static partitions (`-S`): each client has the SMs of the one it names, and nobody else.

#[derive(Debug, PartialEq)]
pub enum Partition {
    /// The daemon has none.
    None,
    Reserved {
        uuid: String,
        sms: u32,
    },
    /// The daemon has some, and the client named none of them.
    Missing,
}

impl Partition {
    /// Of those in the `table`, like `GPU-<uuid>/1=32,…`, the one that is `wanted`.
    pub fn of(table: Option<&str>, wanted: Option<&str>) -> Partition {
        let Some(table) = table else { return Partition::None };
        let find = |wanted: &str| {
            let (uuid, _) = wanted.split_once('/')?;
            let mut all = table.split(',').filter_map(|entry| entry.trim().split_once('='));
            let (_, sms) = all.find(|(name, _)| *name == wanted)?;
            Some(Partition::Reserved { uuid: uuid.to_owned(), sms: sms.parse().ok()? })
        };
        wanted.and_then(find).unwrap_or(Partition::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_the_partition_it_names_or_none() {
        let table = Some("GPU-aa/1=32,GPU-aa/2=64,GPU-bb/1=8");
        let reserved = |uuid: &str, sms| Partition::Reserved { uuid: uuid.into(), sms };
        assert_eq!(Partition::of(table, Some("GPU-aa/2")), reserved("GPU-aa", 64));
        assert_eq!(Partition::of(table, Some("GPU-bb/1")), reserved("GPU-bb", 8));
        for wanted in [None, Some(""), Some("GPU-aa/3"), Some("GPU-aa"), Some("GPU-bb/2")] {
            assert_eq!(Partition::of(table, wanted), Partition::Missing, "{wanted:?}");
        }
        assert_eq!(Partition::of(None, Some("GPU-aa/1")), Partition::None);
    }
}
