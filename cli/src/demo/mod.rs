pub const ABOUT: &str = "";
#[derive(clap::Args)]
pub struct Options {}
#[derive(clap::Args)]
pub struct ClientOptions {}
pub fn show(_: Options) -> Result<u8, crate::command::Failure> { Ok(0) }
pub fn client(_: ClientOptions) -> Result<u8, crate::command::Failure> { Ok(0) }
