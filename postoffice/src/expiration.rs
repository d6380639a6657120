//! A message's own time to live (<https://www.rabbitmq.com/docs/ttl#per-message-ttl-in-publishers>).

use crate::{
    arguments::not_too_long,
    erlang,
    error::{Refusal, ReplyCode},
};

/// Understands the property `expiration`: milliseconds, a whole number as text.
pub(crate) fn parse(text: &[u8]) -> Result<u64, Refusal> {
    let invalid = |problem: &str| {
        let start = format!("invalid expiration '{}': ", erlang::text(text));
        let problem = erlang::laid_out(&start, problem);
        ReplyCode::PreconditionFailed.because(start + &problem)
    };
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let digits = text.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(sign + digits).unwrap_or((text, &[]));
    if digits == 0 {
        return Err(invalid("no_integer"));
    }
    if !rest.is_empty() {
        return Err(invalid(&format!(
            "{{leftover_string,{}}}",
            erlang::string(&rest.iter().copied().map(char::from).collect::<String>())
        )));
    }
    let number = std::str::from_utf8(number).unwrap_or_default();
    match number.parse::<i64>() {
        Ok(value) => {
            not_too_long(value).map_err(|problem| invalid(&problem))?;
            Ok(value.unsigned_abs())
        }
        Err(_) => {
            let (problem, sign) =
                if number.starts_with('-') { ("value_negative", "-") } else { ("value_too_large", "") };
            Err(invalid(&format!("{{{problem},{sign}{}}}", number.trim_start_matches(['+', '-', '0']))))
        }
    }
}

/// Whether a number is written as RabbitMQ would write it.
pub(crate) fn is_plain(text: &[u8]) -> bool {
    match text {
        [b'0'] => true,
        [first, ..] => matches!(first, b'1'..=b'9'),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiration_is_a_whole_number_of_milliseconds_as_text() {
        assert_eq!(parse(b"60000"), Ok(60_000));
        let text = |bytes: &[u8]| parse(bytes).unwrap_err().text;
        assert_eq!(text(b"soon"), "PRECONDITION_FAILED - invalid expiration 'soon': no_integer");
        assert_eq!(text(b"1s"), "PRECONDITION_FAILED - invalid expiration '1s': {leftover_string,\"s\"}");
        assert_eq!(text(b"-1"), "PRECONDITION_FAILED - invalid expiration '-1': {value_negative,-1}");
        assert_eq!(text(b"1\xff"), "PRECONDITION_FAILED - invalid expiration '1\u{ff}': {leftover_string,\"\u{ff}\"}");
    }

    #[test]
    fn a_sign_and_leading_zeros_are_not_kept() {
        assert_eq!([parse(b"+5000"), parse(b"005000"), parse(b"5000")], [Ok(5_000), Ok(5_000), Ok(5_000)]);
        assert_eq!(
            [&b"+5000"[..], b"005000", b"5000", b"0", b"00", b"-0"].map(is_plain),
            [false, false, true, true, false, false]
        );
    }
}
