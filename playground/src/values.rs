//! JSON's values as AMQP's (0-9-1, section 4.2.5.5), and back.

use amq_protocol::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use serde_json::{Map, Number, Value};

/// How deep tables and arrays may nest; the broker's own limit.
const DEPTH: usize = 64;

pub(crate) fn short(text: &str) -> Result<ShortString, String> {
    ShortString::try_new(text).map_err(|_| format!("it has {} bytes, and 255 are the most", text.len()))
}

pub(crate) fn table(object: Map<String, Value>) -> Result<FieldTable, String> {
    nested_table(object, 1)
}

fn nested_table(object: Map<String, Value>, depth: usize) -> Result<FieldTable, String> {
    let mut table = FieldTable::default();
    for (name, value) in object {
        table.insert(short(&name)?, to_amqp(value, depth)?);
    }
    Ok(table)
}

fn to_amqp(value: Value, depth: usize) -> Result<AMQPValue, String> {
    if depth > DEPTH {
        return Err(format!("it nests deeper than {DEPTH} levels"));
    }
    Ok(match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(flag) => AMQPValue::Boolean(flag),
        Value::Number(number) => to_number(&number)?,
        Value::String(text) => AMQPValue::LongString(text.into()),
        Value::Array(values) => {
            let values: Result<Vec<_>, String> = values.into_iter().map(|value| to_amqp(value, depth + 1)).collect();
            AMQPValue::FieldArray(FieldArray::from(values?))
        }
        Value::Object(object) => AMQPValue::FieldTable(nested_table(object, depth + 1)?),
    })
}

/// Whole numbers in the width that clients take for them, the others as doubles.
fn to_number(number: &Number) -> Result<AMQPValue, String> {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), ..) => Ok(i32::try_from(whole).map_or(AMQPValue::LongLongInt(whole), AMQPValue::LongInt)),
        (None, Some(large), _) => Err(format!("{large} is larger than a number in AMQP may be")),
        (None, None, Some(double)) => Ok(AMQPValue::Double(double)),
        (None, None, None) => Err(format!("{number} is no number of AMQP")),
    }
}

pub(crate) fn from_table(table: &FieldTable) -> Value {
    Value::Object(table.inner().iter().map(|(name, value)| (name.to_string(), from_amqp(value))).collect())
}

fn from_amqp(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Void => Value::Null,
        AMQPValue::Boolean(flag) => (*flag).into(),
        AMQPValue::ShortShortInt(number) => (*number).into(),
        AMQPValue::ShortShortUInt(number) => (*number).into(),
        AMQPValue::ShortInt(number) => (*number).into(),
        AMQPValue::ShortUInt(number) => (*number).into(),
        AMQPValue::LongInt(number) => (*number).into(),
        AMQPValue::LongUInt(number) => (*number).into(),
        AMQPValue::LongLongInt(number) => (*number).into(),
        AMQPValue::Timestamp(seconds) => (*seconds).into(),
        AMQPValue::Float(number) => f64::from(*number).into(),
        AMQPValue::Double(number) => (*number).into(),
        AMQPValue::DecimalValue(decimal) => (f64::from(decimal.value) / 10f64.powi(i32::from(decimal.scale))).into(),
        AMQPValue::ShortString(text) => text.as_str().into(),
        AMQPValue::LongString(text) => text_of(text.as_bytes()),
        AMQPValue::ByteArray(bytes) => text_of(bytes.as_slice()),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(from_amqp).collect(),
        AMQPValue::FieldTable(table) => from_table(table),
    }
}

/// Bytes as text; those that are none as what one would see of them.
pub(crate) fn text_of(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into_owned().into()
}
