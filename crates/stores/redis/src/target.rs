//! Where a server is, and how to log in there: what a URL says.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use credentials_grant::{Error, ErrorKind, Url};
use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};

/// What a URL says: `rediss://user:password@host:6379/0`.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) is_tls: bool,
    /// User, password and database. Its `Debug` shows no password.
    pub(crate) login: RedisConnectionInfo,
}

/// The address of a server.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Target {
    /// Parses a URL. Errors quote nothing of it, since it may have a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut url = Url::parse(text).map_err(|_| wrong("is not a URL"))?;
        if url.fragment().is_some() {
            return Err(wrong("has a `#`, which nothing reads"));
        }
        let is_tls = matches!(url.scheme(), "rediss" | "valkeys");
        let is_tcp = is_tls || matches!(url.scheme(), "redis" | "valkey");
        if !is_tcp && !matches!(url.scheme(), "unix" | "redis+unix" | "valkey+unix") {
            return Err(wrong("has another scheme than `rediss`, `redis` and `unix`"));
        }
        if is_tcp && url.query().is_some() {
            return Err(wrong("has a `?`, which nothing reads"));
        }
        // The client library knows TLS by its own features, which it does not need here: the stream is ours.
        if is_tls {
            url.set_scheme("redis").map_err(|()| wrong("is not a URL"))?;
        }
        // Its errors are not kept: they may quote the URL.
        let info =
            url.into_connection_info().map_err(|_| wrong("has no host name, or a database that is not a number"))?;
        let address = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Address::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) => Address::Unix(path.clone()),
            _ => return Err(wrong("has an address of an unknown kind")),
        };
        // A user of the least rights may not name its client to the server, and would fill the server's log of denials.
        let login = info.redis_settings().clone().set_skip_set_lib_name();
        Ok(Self { address, is_tls, login })
    }
}

impl Address {
    /// Returns `true` if what is sent there stays on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(host, _) if host.eq_ignore_ascii_case("localhost") => true,
            Self::Tcp(host, _) => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("the URL of the Redis store {why}"))
        .with_remedy("write it as `rediss://user:password@host:6379/0`, with other characters percent-encoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_the_server_is_and_how_to_log_in() {
        let target = Target::parse("rediss://us%20er:pa%2Fss@Cache.example:7000/3").unwrap();
        assert_eq!(target.address, Address::Tcp("Cache.example".into(), 7000));
        assert!(target.is_tls && !target.address.is_local());
        let login = &target.login;
        assert_eq!((login.username(), login.password(), login.db()), (Some("us er"), Some("pa/ss"), 3));
        for (url, address) in [
            ("redis://127.0.0.1", "127.0.0.1:6379"),
            ("valkey://LOCALHOST:1", "LOCALHOST:1"),
            ("redis://[::1]:7", "[::1]:7"),
            ("unix:///run/redis.sock", "/run/redis.sock"),
        ] {
            let target = Target::parse(url).unwrap();
            assert!(target.address.is_local() && !target.is_tls, "{url}");
            assert_eq!(target.address.to_string(), address);
        }
        for url in ["redis://127.0.0.1.example.com", "redis://localhost.example.com", "redis://192.0.2.1"] {
            assert!(!Target::parse(url).unwrap().address.is_local(), "{url}");
        }
    }

    #[test]
    fn a_wrong_url_is_refused_and_not_quoted() {
        for url in [
            "",
            "hunter2",
            "hunter2@host:6379",
            "http://user:hunter2@host",
            "redis://:hunter2@",
            "redis://:hunter2@0.0.0.0",
            "redis://:hunter2@host/first",
            "redis://:hunter2@host:99999",
            "rediss://:hunter2@host/#insecure",
            "redis://host/?password=hunter2",
            "redis://:hunter2/x@host",
            "unix://hunter2/run/redis.sock",
            "unix:///run/redis.sock?pass=hunter2&db=x",
        ] {
            let error = Target::parse(url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
