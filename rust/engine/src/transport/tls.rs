//! TLS by rustls: our certificate, and whose we accept.
//!
//! Without a configured certificate one is made at the first start and kept. It is our own word
//! only, so phones will want to be told to trust it; but what they say is encrypted. Both are
//! read again by [`Tls::reload`], for connections that are opened from then on.

use std::{
    fs,
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
    client::Resumption,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

use super::verify::{Identities, Verifier};
use crate::error::{EngineError, reason};

/// Files of the certificate that we make.
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// What TLS is set up with.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Our certificate chain, PEM; `None`: one that we make ourselves.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM; `None`: in the certificate's file.
    pub key: Option<PathBuf>,
    /// Further roots that servers' certificates may come from, PEM.
    pub ca: Option<PathBuf>,
    /// Whether servers that we connect to must show a certificate that is valid for their domain.
    pub verify: bool,
    /// Whether that may be a wildcard (`*.example.org`), against RFC 5922 §7.2.
    pub wildcards: bool,
    /// The folder for the certificate that we make; `None`: it is not kept.
    pub folder: Option<PathBuf>,
    /// Names and addresses for the certificate that we make.
    pub names: Vec<String>,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            certificate: None,
            key: None,
            ca: None,
            verify: true,
            wildcards: false,
            folder: None,
            names: Vec::new(),
        }
    }
}

/// What connections are opened and taken with.
#[derive(Debug)]
pub struct Tls {
    config: TlsConfig,
    provider: Arc<CryptoProvider>,
    current: Mutex<Current>,
}

#[derive(Clone, Debug)]
struct Current {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    wildcards: bool,
}

impl Tls {
    /// Reads or makes the certificate.
    ///
    /// # Errors
    /// [`EngineError::Tls`], with the file that can't be read or makes no sense.
    pub fn new(config: TlsConfig) -> Result<Arc<Self>, EngineError> {
        let provider = Arc::new(ring::default_provider());
        let current = load(&config, &provider)?;
        Ok(Arc::new(Self {
            config,
            provider,
            current: Mutex::new(current),
        }))
    }

    /// Reads the files again. What is open goes on as it is; if they make no sense, so does all.
    ///
    /// # Errors
    /// As [`Tls::new`].
    pub fn reload(&self) -> Result<(), EngineError> {
        let fresh = load(&self.config, &self.provider)?;
        *self.lock() = fresh;
        Ok(())
    }

    /// Our side of a connection that a peer has opened.
    pub(super) fn accept(&self) -> Result<Connection, rustls::Error> {
        let config = self.lock().server.clone();
        Ok(ServerConnection::new(config)?.into())
    }

    /// Our side of a connection to a server that must be `name`.
    pub(super) fn connect(&self, name: &str) -> Result<Connection, rustls::Error> {
        let config = self.lock().client.clone();
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| rustls::Error::General(format!("{name:?} is no name of a server")))?;
        Ok(ClientConnection::new(config, name)?.into())
    }

    /// Whether the server at the other end has shown that it is `name`, too.
    pub(super) fn is_also(&self, connection: &Connection, name: &str) -> bool {
        if !self.config.verify {
            return true;
        }
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        let identities = certificate.and_then(|certificate| Identities::of(certificate));
        match (identities, ServerName::try_from(name)) {
            (Some(identities), Ok(name)) => identities.include(&name, self.lock().wildcards),
            _ => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        // It is replaced whole.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(config: &TlsConfig, provider: &Arc<CryptoProvider>) -> Result<Current, EngineError> {
    let (chain, key) = match &config.certificate {
        Some(path) => read(path, config.key.as_deref().unwrap_or(path))?,
        None => own(config)?,
    };
    let refused = |error: rustls::Error| EngineError::Tls(error.to_string());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| {
            let file = config.certificate.as_deref().map(Path::display);
            let file = file.map_or_else(String::new, |file| format!("{file}: "));
            EngineError::Tls(format!("{file}{error}"))
        })?;
    let verifier = Verifier {
        provider: provider.clone(),
        roots: roots(config)?,
        wildcards: config.wildcards,
        blind: !config.verify,
    };
    let mut client = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // A server is asked for its certificate each time, so that it can be held against any name.
    client.resumption = Resumption::disabled();
    Ok(Current {
        server: Arc::new(server),
        client: Arc::new(client),
        wildcards: config.wildcards,
    })
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read(certificate: &Path, key: &Path) -> Result<Identity, EngineError> {
    let chain = certificates(certificate)?;
    if chain.is_empty() {
        return Err(wrong(certificate, "there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_slice(&contents(key)?)
        .map_err(|_| wrong(key, "there is no private key in it"))?;
    Ok((chain, key))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, EngineError> {
    CertificateDer::pem_slice_iter(&contents(path)?)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong(path, "it is no PEM file"))
}

fn contents(path: &Path) -> Result<Vec<u8>, EngineError> {
    fs::read(path).map_err(|error| wrong(path, &reason(&error)))
}

fn wrong(path: &Path, what: &str) -> EngineError {
    EngineError::Tls(format!("{}: {what}", path.display()))
}

/// The roots of the system and those that are configured.
fn roots(config: &TlsConfig) -> Result<RootCertStore, EngineError> {
    let mut roots = RootCertStore::empty();
    if !config.verify {
        return Ok(roots);
    }
    // A machine without roots still has those that are configured.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &config.ca {
        let extra = certificates(path)?;
        if extra.is_empty() {
            return Err(wrong(path, "there is no certificate in it"));
        }
        for certificate in extra {
            roots
                .add(certificate)
                .map_err(|error| wrong(path, &error.to_string()))?;
        }
    }
    Ok(roots)
}

/// The certificate that we have made, or make now.
fn own(config: &TlsConfig) -> Result<Identity, EngineError> {
    let Some(folder) = &config.folder else {
        let (certificate, key) = make(&config.names)?;
        return identity(&certificate, &key);
    };
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    if !certificate.exists() || !key.exists() {
        let (certificate_pem, key_pem) = make(&config.names)?;
        let kept = || -> io::Result<()> {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            write(&key, &key_pem, 0o600)?;
            write(&certificate, &certificate_pem, 0o644)
        };
        kept().map_err(|error| wrong(folder, &reason(&error)))?;
    }
    read(&certificate, &key)
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

fn identity(certificate: &str, key: &str) -> Result<Identity, EngineError> {
    let broken = |_| EngineError::Tls("the certificate that was made can't be read".to_owned());
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(broken)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(broken)?;
    Ok((vec![certificate], key))
}

/// Makes a certificate for these names, signed by itself: PEM, and its key.
fn make(names: &[String]) -> Result<(String, String), EngineError> {
    let failed = |error: rcgen::Error| {
        EngineError::Tls(format!("the certificate could not be made: {error}"))
    };
    let is_name = |name: &&String| {
        name.parse::<IpAddr>()
            .map_or(ServerName::try_from(name.as_str()).is_ok(), |address| {
                !address.is_unspecified()
            })
    };
    let names: Vec<String> = names.iter().filter(is_name).cloned().collect();
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "SEMS, made at first start");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
