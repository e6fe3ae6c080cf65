//! Walks the decision procedure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Answers};
use crate::frameworks::Frameworks;
use crate::logic::Truth;
use crate::procedure::{END, Emit, Test};

/// Class of a system or model under the EU AI Act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Not an AI system, or no link to the Union.
    OutOfScope,
    /// An exclusion of Article 2 holds in full.
    Excluded,
    /// A practice of Article 5.
    Prohibited,
    /// A listed use of Annex III, Article 6(2).
    HighRiskAnnexIii,
    /// Product law of Annex I Section A, Article 6(1).
    HighRiskAnnexIA,
    /// Product law of Annex I Section B, Article 2(2).
    HighRiskAnnexIB,
    /// A listed use that Article 6(3) takes out of the high-risk class.
    AnnexIiiDerogated,
    /// Duties of Article 50 only.
    Transparency,
    /// General duties only.
    Minimal,
    /// A general-purpose model without a system.
    GpaiModel,
}

impl Class {
    /// All classes; the first emitted one is the headline.
    pub const RANKED: [Self; 10] = [
        Self::OutOfScope,
        Self::Excluded,
        Self::Prohibited,
        Self::HighRiskAnnexIii,
        Self::HighRiskAnnexIA,
        Self::HighRiskAnnexIB,
        Self::AnnexIiiDerogated,
        Self::Transparency,
        Self::Minimal,
        Self::GpaiModel,
    ];

    /// The word used in data and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfScope => "out_of_scope",
            Self::Excluded => "excluded",
            Self::Prohibited => "prohibited",
            Self::HighRiskAnnexIii => "high_risk_annex_iii",
            Self::HighRiskAnnexIA => "high_risk_annex_i_a",
            Self::HighRiskAnnexIB => "high_risk_annex_i_b",
            Self::AnnexIiiDerogated => "annex_iii_derogated",
            Self::Transparency => "transparency",
            Self::Minimal => "minimal",
            Self::GpaiModel => "gpai_model",
        }
    }

    /// A phrase for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::OutOfScope => "out of scope",
            Self::Excluded => "excluded by Article 2",
            Self::Prohibited => "prohibited practice (Article 5)",
            Self::HighRiskAnnexIii => "high-risk (Annex III)",
            Self::HighRiskAnnexIA => "high-risk (Annex I Section A)",
            Self::HighRiskAnnexIB => "high-risk (Annex I Section B, sectoral act)",
            Self::AnnexIiiDerogated => "listed in Annex III, derogation of Article 6(3)",
            Self::Transparency => "transparency duties (Article 50)",
            Self::Minimal => "minimal risk",
            Self::GpaiModel => "general-purpose AI model",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One visited node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Id of the node.
    pub node: String,
    /// `scope`, `prohibited`, `annex_iii` …
    pub stage: String,
    /// What was asked.
    pub question: String,
    /// What the answers gave.
    pub answer: Truth,
    /// Citations: `Art. 6(3)`.
    pub cite: Vec<String>,
    /// What it added: `class:high_risk_annex_iii`.
    pub emitted: Vec<String>,
}

/// A node that could not be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open {
    /// Id of the node.
    pub node: String,
    /// Its stage.
    pub stage: String,
    /// What was asked.
    pub question: String,
    /// Citations.
    pub cite: Vec<String>,
    /// Facts to be answered, with their questions.
    pub unanswered: BTreeMap<String, String>,
}

/// From when a class or a prohibition applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassDate {
    /// `class:high_risk_annex_iii`, `hit:art-5-1-ba`, `obl:art-50-2`.
    pub of: String,
    /// First day.
    pub from: Date,
}

/// Result of the walk. Equal answers and law version give an equal result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classification {
    /// Id of the procedure.
    pub procedure: String,
    /// Its version.
    pub procedure_version: String,
    /// Version of the law.
    pub law_version: String,
    /// The class that leads; none when nothing at all was decided.
    pub headline: Option<Class>,
    /// All classes, the headline first.
    pub classes: Vec<Class>,
    /// Whether open questions may change it; then it must not be passed on as final.
    pub provisional: bool,
    /// What must be answered to make it final.
    pub open: Vec<Open>,
    /// Prohibited practices met, as keys.
    pub prohibited: Vec<String>,
    /// Annex III points: `5-b`; `unknown` while the question is not answered.
    pub annex_iii_points: Vec<String>,
    /// Conformity assessment procedure, as a key.
    pub route: Option<String>,
    /// `becomes_provider_if_high_risk`, `gpai_systemic` …
    pub flags: Vec<String>,
    /// Dates the walk fixed.
    pub dates: Vec<ClassDate>,
    /// Names of the obligation sets.
    pub obligation_sets: Vec<String>,
    /// Obligations as keys of requirements, sorted.
    pub obligations: Vec<String>,
    /// Facts on the path whose answer needs legal judgement and the sign-off of two people.
    pub legal_judgement: Vec<String>,
    /// The visited nodes.
    pub path: Vec<Step>,
    /// The answers used.
    pub answers: Answers,
    #[serde(skip)]
    pub(crate) emitted: BTreeSet<String>,
}

impl Classification {
    /// Whether this class was emitted.
    pub fn is(&self, class: Class) -> bool {
        self.classes.contains(&class)
    }

    /// Dates of the walk that lie after `as_of`.
    pub fn not_yet(&self, as_of: Date) -> Vec<&ClassDate> {
        self.dates.iter().filter(|date| date.from > as_of).collect()
    }
}

/// Classifies a system by its answers.
pub fn classify(frameworks: &Frameworks, answers: &Answers) -> Classification {
    let procedure = &frameworks.procedure;
    let mut walk = Walk { answers, emitted: BTreeSet::new() };
    let mut path: Vec<Step> = Vec::new();
    let mut open = Vec::new();
    let mut dates = Vec::new();
    let mut dropped = BTreeSet::new();
    let mut judgement = BTreeSet::new();
    let mut at = procedure.start.as_str();
    while at != END {
        let Some(node) = procedure.node(at) else { break };
        let cite: Vec<String> =
            node.cite.iter().map(|item| frameworks.ai_act_reference(item)).collect();
        let truth = walk.test(&node.test);
        for fact in node.test.facts() {
            if procedure.legal_judgement_facts.iter().any(|name| name == fact) {
                judgement.insert(fact.to_owned());
            }
        }
        if truth == Truth::Unknown {
            let unanswered =
                node.test.facts().into_iter().filter(|&fact| answers.get(fact).is_none());
            let ask = |fact: &str| procedure.facts.get(fact).map(|fact| fact.ask.clone());
            open.push(Open {
                node: node.id.clone(),
                stage: node.stage.clone(),
                question: node.question.clone(),
                cite: cite.clone(),
                unanswered: unanswered
                    .filter_map(|fact| Some((fact.to_owned(), ask(fact)?)))
                    .collect(),
            });
        }
        let (next, emits) = node.next(truth);
        let mut emitted = Vec::new();
        for emit in emits {
            match emit {
                // A prohibited practice is dated, not the class it belongs to.
                Emit::From(from) => dates.extend(
                    emits
                        .iter()
                        .filter(|emit| match emit {
                            Emit::Hit(_) => true,
                            Emit::Class(class) => *class != Class::Prohibited,
                            _ => false,
                        })
                        .flat_map(|emit| walk.tags(emit))
                        .map(|of| ClassDate { of, from: *from }),
                ),
                Emit::Hit(item) if !emits.iter().any(|emit| matches!(emit, Emit::From(_))) => {
                    let (of, key) = (format!("hit:{item}"), Frameworks::ai_act_key(item));
                    let requirement = frameworks.requirement(&key).map(|(_, found)| found);
                    let dates_of = requirement.into_iter().flat_map(|found| &found.applies_from);
                    if let Some(from) = dates_of.filter_map(|at| at.date).min() {
                        dates.push(ClassDate { of, from });
                    }
                }
                Emit::MarkingFrom(from) => {
                    dates.push(ClassDate { of: "obl:art-50-2".to_owned(), from: *from });
                }
                Emit::DropSet(set) => drop(dropped.insert(set.clone())),
                _ => {}
            }
            emitted.extend(walk.tags(emit));
        }
        walk.emitted.extend(emitted.iter().cloned());
        path.push(Step {
            node: node.id.clone(),
            stage: node.stage.clone(),
            question: node.question.clone(),
            answer: truth,
            cite,
            emitted,
        });
        at = next;
    }

    let with = |kind: &str| -> Vec<String> {
        walk.emitted.iter().filter_map(|tag| tag.strip_prefix(kind).map(str::to_owned)).collect()
    };
    let classes: Vec<Class> = Class::RANKED
        .into_iter()
        .filter(|class| walk.emitted.contains(&format!("class:{}", class.as_str())))
        .collect();
    let obligation_sets: Vec<String> =
        with("set:").into_iter().filter(|set| !dropped.contains(set)).collect();
    let obligations: BTreeSet<String> = obligation_sets
        .iter()
        .filter_map(|set| procedure.obligation_sets.get(set))
        .flatten()
        .cloned()
        .chain(with("obl:"))
        .map(|item| Frameworks::ai_act_key(&item))
        .collect();
    Classification {
        procedure: procedure.id.clone(),
        procedure_version: procedure.version.clone(),
        law_version: procedure.law_version.clone(),
        headline: classes.first().copied(),
        provisional: !open.is_empty(),
        open,
        prohibited: with("hit:").iter().map(|item| Frameworks::ai_act_key(item)).collect(),
        annex_iii_points: with("point:"),
        route: with("route:").first().map(|item| Frameworks::ai_act_key(item)),
        flags: with("flag:"),
        dates,
        obligation_sets,
        obligations: obligations.into_iter().collect(),
        legal_judgement: judgement.into_iter().collect(),
        path,
        answers: answers.clone(),
        emitted: walk.emitted,
        classes,
    }
}

struct Walk<'a> {
    answers: &'a Answers,
    emitted: BTreeSet<String>,
}

/// Stands for the Annex III points of a system whose points are not answered.
const UNKNOWN_POINT: &str = "point:unknown";

impl Walk<'_> {
    fn test(&self, test: &Test) -> Truth {
        let answer = |name: &str, holds: &dyn Fn(&Answer) -> bool| {
            self.answers.get(name).map_or(Truth::Unknown, |answer| holds(answer).into())
        };
        match test {
            Test::All(parts) => Truth::all(parts.iter().map(|part| self.test(part))),
            Test::Any(parts) => Truth::any(parts.iter().map(|part| self.test(part))),
            Test::Not(part) => !self.test(part),
            Test::Holds(name) => answer(name, &|answer| *answer == Answer::Bool(true)),
            Test::In(name, values) => answer(
                name,
                &|answer| matches!(answer, Answer::Choice(choice) if values.contains(choice)),
            ),
            Test::HasAny(name, values) => answer(
                name,
                &|answer| matches!(answer, Answer::Set(set) if values.iter().any(|v| set.contains(v))),
            ),
            Test::NonEmpty(name) => {
                answer(name, &|answer| matches!(answer, Answer::Set(set) if !set.is_empty()))
            }
            Test::Greater(name, bound) => {
                answer(name, &|answer| matches!(answer, Answer::Number(n) if n > bound))
            }
            Test::Emitted(tag) => {
                if self.emitted.contains(tag) {
                    Truth::Yes
                } else if tag.starts_with("point:") && self.emitted.contains(UNKNOWN_POINT) {
                    Truth::Unknown
                } else {
                    Truth::No
                }
            }
            Test::EmittedPrefix(start) => {
                self.emitted.iter().any(|tag| tag.starts_with(start)).into()
            }
            Test::OnlyPoint(point) => {
                let mut points = self.emitted.iter().filter_map(|tag| tag.strip_prefix("point:"));
                (points.next() == Some(point) && points.next().is_none()).into()
            }
        }
    }

    /// An emission as tags of the result.
    fn tags(&self, emit: &Emit) -> Vec<String> {
        let tag = match emit {
            Emit::Class(class) => format!("class:{}", class.as_str()),
            Emit::Hit(item) => format!("hit:{item}"),
            Emit::Flag(flag) => format!("flag:{flag}"),
            Emit::Route(item) => format!("route:{item}"),
            Emit::Point(point) => format!("point:{point}"),
            Emit::Set(set) => format!("set:{set}"),
            Emit::Obligation(item) => format!("obl:{item}"),
            Emit::Points(fact) => match self.answers.get(fact) {
                Some(Answer::Set(points)) => {
                    return points.iter().map(|point| format!("point:{point}")).collect();
                }
                _ => UNKNOWN_POINT.to_owned(),
            },
            Emit::From(_) | Emit::MarkingFrom(_) | Emit::DropSet(_) => return Vec::new(),
        };
        vec![tag]
    }
}
