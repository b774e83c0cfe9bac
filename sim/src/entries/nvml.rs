//! Entry points: the management library.

use super::nvml_entries;
use crate::nvml;

nvml_entries! {
    [nvmlInit_v2] () => nvml::init;
    [nvmlShutdown] () => nvml::shutdown;
}
