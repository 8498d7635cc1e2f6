//! Names that a vendor file cannot have: the variables of their settings would be those of another program.
//!
//! A command reads the settings of a file called `acme` from variables that begin with `ACME_`. A file called `github`
//! with a secret setting `token` would get `GITHUB_TOKEN`, which users set for something else, and send it to a server
//! of its author's choice.

/// Prefixes of variables that are likely to be set for other programs, or that are too general to belong to one vendor.
/// `docs/vendor-files.md` lists them too. A vendor is not here merely because it has variables of its own.
#[rustfmt::skip]
pub(crate) const RESERVED_PREFIXES: &[&str] = &[
    // Clouds, and tools that deploy to them.
    "ALIBABA", "ALICLOUD", "ANSIBLE", "ARM", "AWS", "AZURE", "BOTO", "CF", "CLOUDFLARE", "CLOUDSDK", "CONSUL",
    "DIGITALOCEAN", "DO", "DOCKER", "EC2", "ECS", "FIREBASE", "FLY", "GCE", "GCLOUD", "GCP", "GCS", "GOOGLE",
    "HCLOUD", "HELM", "HEROKU", "HETZNER", "IBM", "IBMCLOUD", "IDENTITY", "KUBE", "KUBECONFIG", "KUBERNETES",
    "LINODE", "MSI", "NETLIFY", "NOMAD", "OCI", "OS", "OVH", "PACKER", "PULUMI", "S3", "SCW", "SERVERLESS",
    "SUPABASE", "TERRAFORM", "TF", "VAULT", "VERCEL", "VULTR",
    // Code hosting and CI.
    "ACTIONS", "APPVEYOR", "BITBUCKET", "BUILDKITE", "CI", "CIRCLE", "CIRCLECI", "CODECOV", "DRONE", "GH", "GIT",
    "GITEA", "GITHUB", "GITLAB", "JENKINS", "RUNNER", "SONAR", "SYSTEM", "TEAMCITY", "TRAVIS", "WOODPECKER",
    // Package registries, languages and their tools.
    "BUNDLE", "CARGO", "COMPOSER", "CONDA", "GEM", "GO", "GOPROXY", "GRADLE", "JAVA", "MAVEN", "NODE", "NPM", "NUGET",
    "PIP", "PNPM", "POETRY", "PYPI", "PYTHON", "RUBY", "RUST", "RUSTC", "RUSTUP", "TWINE", "UV", "YARN",
    // Databases and brokers.
    "AMQP", "CASSANDRA", "CLICKHOUSE", "DATABASE", "DB", "ELASTIC", "ELASTICSEARCH", "KAFKA", "MARIADB", "MEMCACHED",
    "MINIO", "MONGO", "MONGODB", "MSSQL", "MYSQL", "ORACLE", "PG", "POSTGRES", "POSTGRESQL", "RABBITMQ", "REDIS",
    "SNOWFLAKE", "SQLITE",
    // Services whose keys many programs read from the environment.
    "ANTHROPIC", "COHERE", "DATADOG", "DD", "DEEPSEEK", "GEMINI", "GRAFANA", "GROQ", "HF", "HONEYCOMB", "HUGGINGFACE",
    "INFLUX", "LOGDNA", "MAILGUN", "MISTRAL", "NEW", "NEWRELIC", "OPENAI", "OPENROUTER", "OTEL", "PAGERDUTY",
    "POSTMARK", "ROLLBAR", "SENDGRID", "SENTRY", "SLACK", "SNYK", "SPLUNK", "STRIPE", "TELEGRAM", "TWILIO", "WANDB",
    // Keys, logins and mail on a machine.
    "BW", "GNUPG", "GPG", "KEYCHAIN", "KRB5", "KRB5CCNAME", "LDAP", "NETRC", "OP", "PASS", "PGP", "RESTIC", "SMTP",
    "SOPS", "SSH", "SSL", "SSLKEYLOGFILE", "SUDO", "TLS",
    // The system, the shell and the network.
    "ALL", "BASH", "CURL", "DBUS", "DISPLAY", "EDITOR", "ENV", "FTP", "HISTFILE", "HOME", "HOST", "HOSTNAME", "HTTP",
    "HTTPS", "INVOCATION", "LANG", "LC", "LD", "LESS", "LISTEN", "LOGNAME", "MAIL", "NO", "NOTIFY", "PAGER", "PATH",
    "PROXY", "PWD", "SHELL", "SYSTEMD", "TEMP", "TERM", "TMP", "TMPDIR", "TZ", "USER", "USERNAME", "WINDIR", "XDG",
    // Too general for one vendor: API_KEY, CLIENT_SECRET, SECRET_KEY, ACCESS_TOKEN.
    "ACCESS", "ADMIN", "API", "APP", "AUTH", "BEARER", "CLIENT", "CREDENTIALS", "DJANGO", "FLASK", "ID", "JWT", "KEY",
    "LARAVEL", "LOGIN", "OAUTH", "OIDC", "PASSWORD", "PRIVATE", "PUBLIC", "RAILS", "REFRESH", "SECRET", "SERVICE",
    "SESSION", "SIGNING", "TOKEN", "WEB", "WEBHOOK",
    // Our own.
    "CGRANT", "CREDENTIALS_GRANT",
];

/// Returns the reserved prefix with which the variables of this name begin.
pub(crate) fn reserved_prefix(name: &str) -> Option<&'static str> {
    let variables = name.to_ascii_uppercase().replace('-', "_") + "_";
    let begins = |prefix: &&&str| variables.strip_prefix(**prefix).is_some_and(|rest| rest.starts_with('_'));
    RESERVED_PREFIXES.iter().find(begins).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_reserved_by_its_first_words() {
        for (name, prefix) in [("aws", "AWS"), ("aws-web-identity", "AWS"), ("github-app", "GITHUB"), ("s3", "S3")] {
            assert_eq!(reserved_prefix(name), Some(prefix), "{name}");
        }
        for name in ["my-aws", "awsome", "githubby", "acme", "acme-github", "oauth2", "oauth2-acme"] {
            assert_eq!(reserved_prefix(name), None, "{name}");
        }
    }

    #[test]
    fn the_prefixes_are_words_and_each_is_there_once() {
        let mut sorted = RESERVED_PREFIXES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), RESERVED_PREFIXES.len());
        let is_word = |prefix: &&str| prefix.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_');
        assert!(sorted.iter().all(is_word));
    }
}
