//! INFO (RFC 6086): keys become digits, packages go to Python, both answered here.

use std::time::Instant;

use sems_sip::{
    Flow, HeaderName, Headers, Request, StatusCode,
    dtmf::Key,
    header::ContentType,
    transaction::ServerTransactionId,
    user_agent::{Reply, SessionId},
};

use super::Signaling;
use crate::{
    call::Call,
    command::{DigitWay, MediaCommand},
    error::EngineError,
    event::Event,
    ids::RequestId,
    legs::Audio,
};

impl Signaling {
    /// Answers an INFO: keys, and packages that Python takes, with 200; other packages with 469, unless
    /// they are passed on, and other bodies with 415, unless Python takes INFO.
    pub(super) fn on_info(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        session: Option<SessionId>,
        request: &Request,
        flow: Flow,
    ) {
        let headers = &request.headers;
        let known = session.filter(|session| self.by_session.contains_key(session));
        let Some(call) = known else {
            let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            return self.give(now, transaction, gone);
        };
        if let Some(package) = headers.get(&HeaderName::InfoPackage) {
            let name = package.split(';').next().unwrap_or_default().trim();
            let is_it = |taken: &&String| taken.eq_ignore_ascii_case(name);
            let passed = self.by_session.get(&call).and_then(|id| self.calls.get(id));
            let passed = passed.map_or(&[][..], |call| &call.packages);
            if !self.config.info_packages.iter().any(|taken| is_it(&taken)) {
                if passed.iter().any(|passed| is_it(&passed)) {
                    return self.put_to_python(now, transaction, session, request, flow, None);
                }
                let mut headers = Headers::new();
                let known = self.config.info_packages.iter().chain(passed);
                let known: Vec<&str> = known.map(String::as_str).collect();
                headers.push(HeaderName::RecvInfo, known.join(", "));
                let refusal = Reply::new(StatusCode::BAD_INFO_PACKAGE).with_headers(headers);
                return self.give(now, transaction, refusal);
            }
            self.give(now, transaction, Reply::new(StatusCode::OK));
            let id = self.requests.new_id();
            return self.tell_request(id, session, request, flow, None, true);
        }
        let kind = headers.get_typed::<ContentType>();
        if let Some(Ok(kind)) = &kind
            && Key::is_kind(kind)
        {
            let Some(key) = Key::parse(&request.body) else {
                return self.give(now, transaction, Reply::new(StatusCode::BAD_REQUEST));
            };
            self.give(now, transaction, Reply::new(StatusCode::OK));
            return self.with_call(now, call, |signaling, call| signaling.on_key(call, key));
        }
        if self
            .config
            .methods
            .iter()
            .any(|taken| taken.method == "INFO")
        {
            return self.put_to_python(now, transaction, session, request, flow, None);
        }
        let reply = match request.body.is_empty() {
            // It asks whether we are there.
            true => Reply::new(StatusCode::OK),
            false => {
                let mut headers = Headers::new();
                let accept = format!("{}, {}", Key::RELAY, Key::PLAIN);
                headers.push(HeaderName::Accept, accept);
                Reply::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with_headers(headers)
            }
        };
        self.give(now, transaction, reply);
    }

    fn on_key(&mut self, call: &mut Call, key: Key) {
        let digit = key.signal;
        if digit == '!' {
            // A hook flash, which means nothing to us.
            return;
        }
        // The leg knows whether the same key has come in RTP.
        let by_leg = matches!(call.audio, Audio::Leg { .. })
            && self.legs.press(call.id, digit, key.duration).is_ok();
        if !by_leg {
            let call = call.id;
            self.events.tell(Event::Digit { call, digit });
        }
    }

    /// Sends keys in RTP where that was agreed on, or each in an INFO.
    pub(super) fn send_digits(
        &mut self,
        now: Instant,
        call: &mut Call,
        digits: String,
        way: DigitWay,
        request: RequestId,
    ) -> Result<(), EngineError> {
        let agreed = call
            .audio
            .negotiated()
            .map(|agreed| agreed.send_events.is_some());
        let in_rtp = match way {
            DigitWay::Rtp => true,
            DigitWay::Info => false,
            DigitWay::Agreed => agreed == Some(true),
        };
        if in_rtp {
            let call = call.id;
            let command = MediaCommand::SendDigits { call, digits };
            return self.legs.command(request, command);
        }
        self.press_keys(now, call, &digits, request);
        Ok(())
    }
}
