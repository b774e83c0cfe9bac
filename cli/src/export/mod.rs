//! `cuota export`: what the ledgers say, for Prometheus.
#![forbid(unsafe_code)]

mod gpus;
mod keep;
pub mod labels;
mod metrics;
mod request;
mod retention;
mod samples;
mod scrape;
mod server;
mod text;
pub mod textfile;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::command::Failure;
use crate::native::system;
use crate::places::Places;
use crate::screen;
use retention::Retention;
use scrape::Exporter;
use text::Format;

pub const ABOUT: &str = "\
Metrics of all clients for Prometheus: over HTTP, or in a file for node_exporter.

GET /metrics answers in OpenMetrics to whoever accepts it, else in Prometheus's
plain text; GET /healthz answers ok. Only this machine may ask unless --listen
says otherwise: there is no authentication.

Every client's series carry `client`, its devices' `UUID` and, where NVML tells,
`gpu`; then the client's own labels (CUOTA_LABELS). Ledgers are looked for in
--dir, else in CUOTA_DIR, else in /run/cuota, $XDG_RUNTIME_DIR/cuota and
/tmp/cuota-<uid>, again at every scrape. One that cannot be read is counted, said
once on standard error, and hides no other. One that nobody is in any more is
closed and removed after --retention, as by `cuota gc`.

Exit status:
  0    ended by SIGTERM or SIGINT, or the file was written once
  125  the address or the file cannot be used, the output could not be written, or
       a bad option";

#[derive(Args)]
pub struct Options {
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9419")]
    listen: String,
    /// Write the metrics to this plain file instead, as plain text; it is replaced each time
    #[arg(long, value_name = "PATH", conflicts_with = "listen")]
    textfile: Option<PathBuf>,
    /// Write it again and again
    #[arg(long, value_name = "SECONDS", requires = "textfile", value_parser = clap::value_parser!(u32).range(1..))]
    every: Option<u32>,
    /// Remove ledgers in which nothing has happened for so long, or none
    #[arg(long, value_name = "DURATION|none", default_value = "1h", value_parser = retention::parse)]
    retention: Retention,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn export(options: Options) -> Result<u8, Failure> {
    // What is wrong with the options is said now, and not at the first scrape.
    Places::of(options.dir.as_deref())?;
    options.textfile.as_deref().map(textfile::check).transpose()?;
    let mut exporter = Exporter::new(options.dir.clone());
    let mut retention = options.retention;
    system::keep_requests_to_end();
    let Some(path) = options.textfile else {
        let unusable = |why| Failure::ours(format!("cannot listen on {}: {why}", options.listen));
        let listener = TcpListener::bind(&options.listen).map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        server::serve(listener, exporter)?;
        screen::print(&format!("http://{address}/metrics\n"));
        loop {
            retention.keep(&options.dir);
            if system::wait_for_request_to_end(retention::ROUND) {
                return Ok(0);
            }
        }
    };
    loop {
        let written = textfile::publish(&path, &exporter.scrape(Format::Plain));
        let Some(every) = options.every else { return written.map(|()| 0) };
        retention.keep(&options.dir);
        // The disk may have room again the next time.
        if let Err(failure) = written {
            screen::complain(&failure.text);
        }
        if system::wait_for_request_to_end(Duration::from_secs(every.into())) {
            return Ok(0);
        }
    }
}
