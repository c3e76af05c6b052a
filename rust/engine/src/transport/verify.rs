//! Whether the server that we reached is the domain that we looked for (RFC 5922).

use std::{net::IpAddr, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

/// Checks servers' certificates by RFC 5922: a chain to a root that is trusted, and the name of
/// the domain that was looked for.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) roots: RootCertStore,
    /// Whether `*.example.org` is taken for `sip.example.org`, which RFC 5922 §7.2 forbids and
    /// some providers need.
    pub(super) wildcards: bool,
    /// Takes whatever certificate there is.
    pub(super) blind: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.blind {
            return Ok(ServerCertVerified::assertion());
        }
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        let identities = Identities::of(end_entity).ok_or(CertificateError::BadEncoding)?;
        match identities.include(server_name, self.wildcards) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::NotValidForNameContext {
                expected: server_name.to_owned(),
                presented: identities.presented(),
            }
            .into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Whom a certificate is for: its subjectAltName.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Identities<'a> {
    /// Hosts of `sip:` URIs without a user part.
    uris: Vec<&'a str>,
    names: Vec<&'a str>,
    addresses: Vec<&'a [u8]>,
}

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `[3]` of a TBSCertificate.
const EXTENSIONS: u8 = 0xA3;
/// id-ce-subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
// Kinds of GeneralName (RFC 5280 §4.2.1.6).
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const IP_ADDRESS: u8 = 0x87;

impl<'a> Identities<'a> {
    /// `None` for what is no certificate.
    pub(super) fn of(certificate: &'a [u8]) -> Option<Self> {
        let mut identities = Self::default();
        let mut to_be_signed = Der(Der(Der(certificate).take(SEQUENCE)?).take(SEQUENCE)?);
        let Some(extensions) = to_be_signed.find(EXTENSIONS) else {
            return Some(identities);
        };
        let mut extensions = Der(Der(extensions).take(SEQUENCE)?);
        while let Some(extension) = extensions.take(SEQUENCE) {
            let mut extension = Der(extension);
            if extension.take(OBJECT_IDENTIFIER)? != SUBJECT_ALT_NAME {
                continue;
            }
            let mut names = Der(Der(extension.find(OCTET_STRING)?).take(SEQUENCE)?);
            while let Some((kind, value)) = names.next() {
                match kind {
                    DNS_NAME => identities.names.extend(std::str::from_utf8(value)),
                    URI => identities.uris.extend(sip_domain(value)),
                    IP_ADDRESS => identities.addresses.push(value),
                    _ => {}
                }
            }
        }
        Some(identities)
    }

    /// All of them, for people.
    fn presented(&self) -> Vec<String> {
        let texts = self.uris.iter().chain(&self.names);
        let addresses = self.addresses.iter().filter_map(|bytes| {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        });
        texts.map(ToString::to_string).chain(addresses).collect()
    }

    /// Whether the certificate is for this server (RFC 5922 §7.1 and §7.2): names of hosts count
    /// when no `sip:` URI says better.
    pub(super) fn include(&self, server: &ServerName<'_>, wildcards: bool) -> bool {
        let wanted = match server {
            ServerName::DnsName(name) => name.as_ref(),
            ServerName::IpAddress(address) => {
                return match IpAddr::from(*address) {
                    IpAddr::V4(address) => self.addresses.contains(&&address.octets()[..]),
                    IpAddr::V6(address) => self.addresses.contains(&&address.octets()[..]),
                };
            }
            _ => return false,
        };
        let wanted = wanted.trim_end_matches('.');
        let is_it = |name: &&str| {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case(wanted)
                || (wildcards
                    && name.strip_prefix("*.").is_some_and(|parent| {
                        let rest = wanted.split_once('.').map(|(_, rest)| rest);
                        parent.contains('.')
                            && rest.is_some_and(|rest| rest.eq_ignore_ascii_case(parent))
                    }))
        };
        match self.uris.is_empty() {
            true => self.names.iter().any(is_it),
            false => self.uris.iter().any(is_it),
        }
    }
}

/// The domain of `sip:example.org`; that of `sip:ann@example.org` would be a person's.
fn sip_domain(uri: &[u8]) -> Option<&str> {
    let uri = std::str::from_utf8(uri).ok()?;
    let (scheme, host) = uri.split_once(':')?;
    let host = host.split([':', ';', '?']).next()?;
    let is_domain = scheme.eq_ignore_ascii_case("sip") && !uri.contains('@') && !host.is_empty();
    is_domain.then_some(host)
}

/// Elements in the encoding of X.690, one after the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element: its tag and what it holds.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7F))?;
            if bytes.is_empty() || bytes.len() > 3 {
                return None;
            }
            length = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            rest = after;
        }
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// The next element, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(found, _)| *found == tag)
            .map(|(_, value)| value)
    }

    /// The next element that has this tag.
    fn find(&mut self, tag: u8) -> Option<&'a [u8]> {
        while let Some((found, value)) = self.next() {
            if found == tag {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn dns(name: &str) -> SanType {
        SanType::DnsName(name.try_into().unwrap())
    }

    fn uri(uri: &str) -> SanType {
        SanType::URI(uri.try_into().unwrap())
    }

    fn is_for(certificate: &[u8], name: &str) -> bool {
        let name = ServerName::try_from(name).unwrap();
        Identities::of(certificate).unwrap().include(&name, false)
    }

    #[test]
    fn a_certificate_is_for_its_names_in_any_case_and_addresses() {
        let address = "192.0.2.7".parse().unwrap();
        let certificate = certificate(vec![dns("sip.example.org"), SanType::IpAddress(address)]);
        assert!(is_for(&certificate, "SIP.Example.org"));
        assert!(is_for(&certificate, "192.0.2.7"));
        for other in ["example.org", "a.sip.example.org", "192.0.2.8", "::1"] {
            assert!(!is_for(&certificate, other), "{other}");
        }
    }

    #[test]
    fn sip_uris_say_better_than_names_of_hosts() {
        let certificate = certificate(vec![
            dns("host.example.org"),
            uri("sip:example.org"),
            uri("sip:ann@example.com"),
            uri("https://example.net"),
        ]);
        assert!(is_for(&certificate, "example.org"));
        for other in ["host.example.org", "example.com", "example.net"] {
            assert!(!is_for(&certificate, other), "{other}");
        }
    }

    #[test]
    fn wildcards_count_for_one_label_and_where_they_are_allowed_only() {
        let certificate = certificate(vec![dns("*.example.org")]);
        let identities = Identities::of(&certificate).unwrap();
        let includes = |name: &'static str, wildcards| {
            identities.include(&ServerName::try_from(name).unwrap(), wildcards)
        };
        assert!(!includes("sip.example.org", false));
        assert!(includes("sip.example.org", true));
        assert!(!includes("example.org", true));
        assert!(!includes("a.b.example.org", true));
    }

    #[test]
    fn what_is_cut_off_is_for_nobody() {
        let certificate = certificate(vec![dns("example.org")]);
        for length in 0..certificate.len() {
            assert_eq!(Identities::of(&certificate[..length]), None, "{length}");
        }
    }
}
