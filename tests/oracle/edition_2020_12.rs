//! What the statements of edition 2020-12 say, with the settings as they come: written from the
//! statements and not from the code. Tests of several packages read this file by `#[path]`.

use egress25_policy::Offer;

/// A machine of a subscription asks for the Internet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// The subscription's offer.
    pub(crate) offer: Offer,
    /// When it was created: `before`, `on` or `after` the day of the cutoff.
    pub(crate) date: &'static str,
    /// Where its exemption stands.
    pub(crate) exemption: &'static str,
    /// What happened to the machine since.
    pub(crate) history: &'static str,
    /// The way to the Internet: `direct`, or what the route leads through; `appliance-own` is one
    /// of the same subscription.
    pub(crate) route: &'static str,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { offer, date, exemption, history, route } = self;
        write!(f, "{offer}\t{date}\t{exemption}\t{history}\t{route}")
    }
}

/// The section of the article that an offer is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    EnterpriseAgreement,
    PayAsYouGo,
    Partners,
    Resellers,
    Others,
    /// In none: the article does not name the offer.
    Unnamed,
}

fn section(offer: Offer) -> Section {
    use Offer as O;
    match offer {
        O::EnterpriseAgreement => Section::EnterpriseAgreement,
        O::PayAsYouGo => Section::PayAsYouGo,
        O::PartnerNetwork | O::BizSparkPlus | O::AzureSponsorship => Section::Partners,
        O::CloudSolutionProvider => Section::Resellers,
        O::Msdn
        | O::AzurePass
        | O::AzureInOpen
        | O::Education
        | O::AzureForStudents
        | O::FreeTrial
        | O::VisualStudio => Section::Others,
        _ => Section::Unnamed,
    }
}

/// What pay-as-you-go, partners, resellers, others, and offers that are not named rest on.
fn of(offer: Offer, each: [&'static str; 5]) -> &'static str {
    let [pay_as_you_go, partners, resellers, others, unnamed] = each;
    match section(offer) {
        Section::EnterpriseAgreement => "EA1",
        Section::PayAsYouGo => pay_as_you_go,
        Section::Partners => partners,
        Section::Resellers => resellers,
        Section::Others => others,
        Section::Unnamed => unnamed,
    }
}

impl Case {
    //= PG6 type=test
    //= PN5 type=test
    fn has_reached_the_machine(self) -> bool {
        matches!(self.history, "stopped-started" | "new")
    }

    /// Verdict and reason.
    pub(crate) fn answer(self) -> &'static str {
        match self.route {
            //= RL1 type=test
            "azure-firewall" => return "reject azure-firewall-unsupported",
            "gateway" => return "pass on-premises",
            "none" => return "drop no-route",
            //= PG8 type=test
            //= PN6 type=test
            "appliance-open" => return "pass unrestricted-offer",
            "appliance-blocked" => return "drop not-granted",
            _ => {}
        }
        //= EA1 type=test
        if self.offer == Offer::EnterpriseAgreement {
            return "pass unrestricted-offer";
        }
        //= G2 type=test
        //= PG1 type=test
        if self.date == "before" {
            return "pass predates-restriction";
        }
        //= DV1 type=test
        //= DV2 type=test
        if section(self.offer) == Section::Others {
            return "drop offer-never-exempt";
        }
        match self.exemption {
            "granted" if self.has_reached_the_machine() => "pass exempt",
            "granted" => "drop waiting-for-stop-and-start",
            //= PG9 type=test
            "revoked" | "revoked-later" => "drop revoked",
            //= PG3 type=test
            //= CS1 type=test
            //= PN1 type=test
            "none" => "drop not-granted",
            //= PG5 type=test
            "requested" => "drop request-pending",
            "further-steps" => "drop further-steps",
            "refused" => "drop request-refused",
            _ => "drop exemption-lapsed",
        }
    }

    /// The statements that the answer rests on.
    pub(crate) fn statements(self) -> String {
        let said = self.statements_of_another_day();
        if self.date != "on" || self.route == "appliance-blocked" {
            return said.to_owned();
        }
        // The sections say "before" and "after": of the day itself G1 and G2 speak.
        let of_the_day = |id| match id {
            "PG3" | "DV1" | "PN1" | "G1" => "G1 G2",
            "CS1" => "CS1 G1 G2",
            other => other,
        };
        said.split(' ').map(of_the_day).collect::<Vec<_>>().join(" ")
    }

    fn statements_of_another_day(self) -> &'static str {
        let exempt = Self { route: "direct", ..self }.answer() == "pass exempt";
        let partner = section(self.offer) == Section::Partners;
        match (self.route, exempt) {
            ("azure-firewall", _) => "RL1",
            ("gateway" | "none", _) => "",
            // What the exemption covers, and then what holds for the appliance's subscription.
            ("appliance-open", true) if partner => "PN6 EA1",
            ("appliance-open", true) => "PG7 PG8 EA1",
            ("appliance-open", false) => "EA1",
            ("appliance-blocked", true) if partner => "PN6 PG3 PG4",
            ("appliance-blocked", true) => "PG7 PG8 PG3 PG4",
            ("appliance-blocked", false) => "PG3 PG4",
            ("appliance-own", true) => of(
                self.offer,
                ["PG7 PG8 PG3 PG6", "PN6 PN1 PN5", "PG7 PG8 CS1 PG6", "", "PG7 PG8 G1 PG6"],
            ),
            _ => self.statements_of_the_section(),
        }
    }

    /// The same, directly to the Internet. G1 restricts what is not named, and where a section is
    /// silent PG6 to PG8 hold.
    fn statements_of_the_section(self) -> &'static str {
        let of = |each| of(self.offer, each);
        match self.answer() {
            "pass predates-restriction" => of(["PG1", "G2", "G2", "G2", "G2"]),
            "pass exempt" => {
                of(["PG3 PG6 PG7 PG8", "PN1 PN5 PN6", "CS1 PG6 PG7 PG8", "", "G1 PG6 PG7 PG8"])
            }
            "drop waiting-for-stop-and-start" => {
                of(["PG3 PG6", "PN1 PN5", "CS1 PG6", "", "G1 PG6"])
            }
            "drop revoked" => of(["PG3 PG9", "PN1 PG9", "CS1 PG9", "", "G1 PG9"]),
            "drop offer-never-exempt" => "DV1 DV2",
            "drop not-granted" => of(["PG3 PG4", "PN1 PN2 PN3", "CS1 CS2", "", "G1 HP1"]),
            "drop exemption-lapsed" => of(["PG3", "PN1", "CS1", "", "G1"]),
            _ => of(["PG3 PG5", "PN1 PN4", "CS1 CS3", "", "G1"]),
        }
    }
}
