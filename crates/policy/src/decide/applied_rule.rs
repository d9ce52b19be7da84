//! Security rules as a decision tells of them.

use std::fmt;

use serde::Serialize;

use crate::article::reason::Reason;
use crate::world::name::{AdminRulesName, NetworkName, SecurityGroupName, SubnetName};
use crate::world::security::{Access, Direction};

/// The rules that one question is put to, as a user finds them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum RuleSet {
    /// Security admin rules.
    AdminRules {
        /// The collection.
        collection: AdminRulesName,
    },
    /// The group of an interface.
    Interface {
        /// The group.
        group: SecurityGroupName,
    },
    /// The group of a subnet.
    Subnet {
        /// The group.
        group: SecurityGroupName,
    },
}

/// A security rule that was the first that a packet fitted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct AppliedRule {
    /// Whose rule it is.
    #[serde(flatten)]
    pub set: RuleSet,
    /// The rule's name.
    pub rule: String,
    /// Its priority.
    pub priority: u16,
    /// Which way the packet crossed.
    pub direction: Direction,
    /// What the rule says.
    pub access: Access,
    /// The network where it stands.
    pub network: NetworkName,
    /// The subnet.
    pub subnet: SubnetName,
}

impl AppliedRule {
    /// Whether it is one of those that every group has, and that nobody can change.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        self.priority > 4096
    }

    /// Why a packet does not pass that it denies.
    pub(crate) const fn reason(&self) -> Reason {
        match self.set {
            RuleSet::AdminRules { .. } => Reason::AdminRuleDenies,
            RuleSet::Interface { .. } | RuleSet::Subnet { .. } => Reason::SecurityGroupDenies,
        }
    }
}

impl fmt::Display for AppliedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, priority, direction, access, network, subnet, .. } = self;
        match &self.set {
            RuleSet::AdminRules { collection } => {
                write!(f, "the security admin rules `{collection}`")?;
            }
            RuleSet::Interface { group } => {
                write!(f, "the security group `{group}` of an interface")?;
            }
            RuleSet::Subnet { group } => {
                write!(f, "the security group `{group}` of the subnet")?;
            }
        }
        write!(
            f,
            " in `{network}/{subnet}`: {direction} rule `{rule}`, priority {priority}: {access}"
        )
    }
}
