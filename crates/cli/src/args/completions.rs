//! The arguments of `completions`.

use clap::Args;
use clap_complete::Shell;

/// The arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bash:  egress25 completions bash > ~/.local/share/bash-completion/completions/egress25
  zsh:   egress25 completions zsh > ~/.zfunc/_egress25
  fish:  egress25 completions fish > ~/.config/fish/completions/egress25.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}
