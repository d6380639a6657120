//! What RabbitMQ has deprecated and refuses unless its configuration permits it
//! (<https://www.rabbitmq.com/docs/deprecated-features>).

use crate::error::{Refusal, ReplyCode};

/// A deprecated feature that [`Builder::permit_deprecated`](crate::Builder::permit_deprecated) brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeprecatedFeature {
    /// `transient_nonexcl_queues`: queues that are neither durable nor exclusive.
    TransientNonexclQueues,
    /// `global_qos`: a prefetch limit that the consumers of a channel share. Where it isn't permitted, `basic.qos` with
    /// `global` sets the limit of each consumer to come, as without.
    GlobalQos,
}

impl DeprecatedFeature {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::TransientNonexclQueues, Self::GlobalQos];

    /// RabbitMQ's name for it, as in `deprecated_features.permit.transient_nonexcl_queues`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TransientNonexclQueues => "transient_nonexcl_queues",
            Self::GlobalQos => "global_qos",
        }
    }
}

/// The refusal of a feature that isn't permitted.
pub(crate) fn refusal(feature: &str) -> Refusal {
    ReplyCode::InternalError.because(format!(
        "Feature `{feature}` is deprecated.\n\
         By default, this feature is not permitted anymore.\n\
         The feature will be removed from a future major RabbitMQ version, regardless of the configuration; actual \
         version to be determined.\n\
         To continue using this feature when it is not permitted by default, set the following parameter in your \
         configuration:\n    \"deprecated_features.permit.{feature} = true\""
    ))
}
