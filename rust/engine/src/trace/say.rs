//! Orders and notes in words.

use super::{Told, mask::Masks};
use crate::{
    command::{HeaderList, SignalingCommand},
    event::EndCause,
};

type Fields = Vec<(&'static str, String)>;

/// An order: what, and its details.
pub(super) fn command(command: &SignalingCommand, masks: &Masks) -> (&'static str, Fields) {
    let mut fields = Fields::new();
    let text = match command {
        SignalingCommand::Ring {
            code,
            headers,
            early_media,
            reliable,
            link,
            ..
        } => {
            fields.push(("code", code.to_string()));
            fields.push(("early_media", early_media.to_string()));
            fields.push(("reliable", reliable.to_string()));
            more(&mut fields, headers, link.as_deref(), masks);
            "ring"
        }
        SignalingCommand::Answer { headers, link, .. } => {
            more(&mut fields, headers, link.as_deref(), masks);
            "answer"
        }
        SignalingCommand::Reject {
            code,
            reason,
            headers,
            ..
        } => {
            fields.push(("code", code.to_string()));
            fields.extend(reason.iter().map(|reason| ("reason", masks.text(reason))));
            more(&mut fields, headers, None, masks);
            "reject"
        }
        SignalingCommand::Hangup { reason, .. } => {
            fields.extend(reason.iter().map(|reason| ("reason", masks.text(reason))));
            "hangup"
        }
        SignalingCommand::Focus { .. } => "focus",
        SignalingCommand::Hold { on, .. } => {
            fields.push(("on", on.to_string()));
            "hold"
        }
        SignalingCommand::Dial(dial) => {
            fields.push(("uri", masks.text(&dial.uri)));
            fields.push(("to_uri", masks.text(&dial.to_uri)));
            fields.push(("from_name", dial.from_name.clone()));
            fields.push(("from_uri", masks.text(&dial.from_uri)));
            for destination in &dial.destinations {
                fields.push(("destination", destination.to_string()));
            }
            for route in &dial.route {
                fields.push(("route", masks.text(route)));
            }
            fields.push(("late_offer", dial.late_offer.to_string()));
            more(&mut fields, &dial.headers, dial.link.as_deref(), masks);
            "dial"
        }
        _ => "order",
    };
    (text, fields)
}

fn more(fields: &mut Fields, headers: &HeaderList, link: Option<&str>, masks: &Masks) {
    for (name, value) in headers {
        let line = masks.message(format!("{name}: {value}").as_bytes());
        fields.push(("header", String::from_utf8_lossy(&line).into_owned()));
    }
    fields.extend(link.iter().map(|link| ("link", masks.link(link))));
}

/// What Python was told: in words, and its details.
pub(super) fn told(told: &Told, masks: &Masks) -> (String, Fields) {
    match told {
        Told::Answered(codec) => (
            format!("answered, {codec}"),
            vec![("codec", (*codec).into())],
        ),
        Told::Confirmed(codec) => (format!("up, {codec}"), vec![("codec", (*codec).into())]),
        Told::Updated { on_hold, codec } => {
            let held = if *on_hold { "on hold" } else { "not on hold" };
            let fields = vec![("on_hold", on_hold.to_string()), ("codec", (*codec).into())];
            (format!("changed by the peer: {held}, {codec}"), fields)
        }
        Told::Ended { cause, code, .. } => {
            let mut fields = vec![("cause", cause_name(*cause).to_owned())];
            fields.extend(code.map(|code| ("code", code.to_string())));
            let outcome = outcome(told).unwrap_or_default();
            (format!("ended: {}", masks.text(&outcome)), fields)
        }
        Told::Digit => ("a key was pressed".to_owned(), Vec::new()),
        Told::RtpTimeout(ms) => {
            let text = format!("no audio came for {} s", f64::from(*ms) / 1000.0);
            (text, vec![("silent_ms", ms.to_string())])
        }
        Told::RtpResumed => ("audio comes again".to_owned(), Vec::new()),
        Told::RtpArrives { received, lost } => {
            let fields = vec![
                ("received", received.to_string()),
                ("lost", lost.to_string()),
            ];
            (
                format!("audio: {received} packets came, {lost} are missing"),
                fields,
            )
        }
    }
}

/// How a call ended, if this says it.
pub(super) fn outcome(told: &Told) -> Option<String> {
    let Told::Ended {
        cause,
        code,
        reason,
    } = told
    else {
        return None;
    };
    let who = match cause {
        EndCause::Local => "ended by us",
        EndCause::Remote => "ended by the peer",
        EndCause::Cancelled => "cancelled by the caller",
        EndCause::Rejected => "refused by the peer",
        EndCause::Timeout => "the peer did not answer",
        EndCause::Error => "an error",
    };
    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
    let reason = match &**reason {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    Some(format!("{who}{code}{reason}"))
}

fn cause_name(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Local => "local",
        EndCause::Remote => "remote",
        EndCause::Cancelled => "cancelled",
        EndCause::Rejected => "rejected",
        EndCause::Timeout => "timeout",
        EndCause::Error => "error",
    }
}
