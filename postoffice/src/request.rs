//! What a client asks of the broker, beside the codec's methods.

/// The numbers of a method's class and of the method in it, which an error names.
pub(crate) type Ids = (u16, u16);

/// The ids of `basic.publish`.
pub(crate) const PUBLISH: Ids = (60, 40);

/// A `basic.publish` whose content follows. Its names may be any bytes: RabbitMQ asks for UTF-8 in other methods only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) exchange: Vec<u8>,
    pub(crate) routing_key: Vec<u8>,
    pub(crate) mandatory: bool,
    pub(crate) immediate: bool,
}
