//! The commands: each runs its invocation and prints the answer.

mod demo;
mod doctor;
mod emulate;
mod operations;
mod providers;
mod request;
mod store;
mod token;

use crate::args;
use crate::error::CommandError;
use crate::exit::{self, Exit};
use crate::invocation::Invocation;
use crate::output;

pub(crate) fn run(invocation: Invocation) -> Result<Exit, CommandError> {
    match invocation {
        Invocation::Demo(format) => demo::run(format),
        Invocation::Doctor(invocation) => doctor::run(&invocation),
        Invocation::Emulate(invocation) => emulate::run(invocation),
        Invocation::ExitCodes => output::print(&exit::table()).map(|()| Exit::Done),
        Invocation::Help => Ok(args::print_help()),
        Invocation::Introspect(invocation) => operations::introspect(&invocation),
        Invocation::Providers(format) => providers::run(format),
        Invocation::Request(invocation) => request::run(*invocation),
        Invocation::Revoke(invocation) => operations::revoke(&invocation),
        Invocation::Store(invocation) => store::run(&invocation),
        Invocation::Token(invocation) => token::run(&invocation),
    }
}
