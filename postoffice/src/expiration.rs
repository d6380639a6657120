//! A message's own time to live (<https://www.rabbitmq.com/docs/ttl#per-message-ttl-in-publishers>).

use crate::{
    arguments::not_too_long,
    error::{Refusal, ReplyCode},
};

/// Understands the property `expiration`: milliseconds, a whole number as text.
pub(crate) fn parse(text: &[u8]) -> Result<u64, Refusal> {
    let shown = String::from_utf8_lossy(text);
    let invalid =
        |problem: &str| ReplyCode::PreconditionFailed.because(format!("invalid expiration '{shown}': {problem}"));
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let digits = text.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(sign + digits).unwrap_or((text, &[]));
    if digits == 0 {
        return Err(invalid("no_integer"));
    }
    if !rest.is_empty() {
        return Err(invalid(&format!("{{leftover_string,\"{}\"}}", String::from_utf8_lossy(rest))));
    }
    let number = std::str::from_utf8(number).unwrap_or_default();
    match number.parse::<i64>() {
        Ok(value) => {
            not_too_long(value).map_err(|problem| invalid(&problem))?;
            Ok(value.unsigned_abs())
        }
        Err(_) => {
            let problem = if number.starts_with('-') { "value_negative" } else { "value_too_large" };
            Err(invalid(&format!("{{{problem},{}}}", number.trim_start_matches('+'))))
        }
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
    }
}
