//! Model cards: the front matter and the sections of a `README.md`.

use serde_json::Value;

use super::document::{
    Component, ComponentData, Contents, Environmental, Kind, Metric, Pedigree, Property, Reference,
    Risk, property,
};
use super::licence::licence;
use super::place::percent;
use super::said::Said;

/// Longest card that is read.
const LONGEST: usize = 4 << 20;
/// Longest text of a section that is kept.
const LONGEST_TEXT: usize = 4 << 10;
/// Most entries of a list.
const MOST: usize = 200;

/// Whether a file with this name can be a model card.
pub(super) fn is_card(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "readme.md" | "model_card.md" | "model-card.md" | "modelcard.md"
    )
}

/// What a card says; `Ok(None)` for a text that is none: it has neither front matter nor a section that
/// cards have.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Said>, String> {
    if bytes.len() > LONGEST {
        return Err(format!("has {} bytes, model cards of up to {LONGEST} are read", bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    let mut said = Said::default();
    let (front, body) = split(text);
    if let Some(front) = front {
        let front: Value = serde_saphyr::from_str(front).map_err(|error| {
            let error = error.to_string();
            format!(
                "has front matter that is no YAML: {}",
                error.lines().next().unwrap_or_default()
            )
        })?;
        front_matter(&front, &mut said);
    }
    let found = sections(&without_comments(body), &mut said);
    Ok((front.is_some() || found).then_some(said))
}

/// The front matter between two lines of dashes, and the rest.
fn split(text: &str) -> (Option<&str>, &str) {
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return (None, text);
    };
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return (Some(&rest[..end]), &rest[end + line.len()..]);
        }
        end += line.len();
    }
    (None, text)
}

/// The keys that the Hugging Face hub defines (<https://huggingface.co/docs/hub/model-cards>).
fn front_matter(front: &Value, said: &mut Said) {
    let text = |key: &str| front[key].as_str().map(str::trim).filter(|text| !text.is_empty());
    said.name = text("model_name").map(str::to_owned);
    said.task = text("pipeline_tag").map(str::to_owned);
    let link = text("license_link");
    for written in list(&front["license"]) {
        let named = text("license_name").filter(|_| written == "other");
        let url = link.filter(|link| link.contains("://"));
        said.licences.push(licence(named.unwrap_or(&written), url));
    }
    for name in list(&front["datasets"]) {
        let hub = name.contains('/') && !name.contains("://");
        let url =
            hub.then(|| format!("https://huggingface.co/datasets/{}", percent(&name, b"/-._~")));
        let contents = url.map(|url| Contents { url: Some(url) });
        said.datasets.push(ComponentData {
            kind: "dataset",
            name,
            contents,
            ..ComponentData::default()
        });
    }
    for name in list(&front["base_model"]) {
        let purl =
            name.contains('/').then(|| format!("pkg:huggingface/{}", percent(&name, b"/-._~")));
        let ancestor =
            Component { kind: Kind::MachineLearningModel, name, purl, ..Component::default() };
        said.pedigree
            .get_or_insert_with(|| Pedigree { ancestors: Vec::new() })
            .ancestors
            .push(ancestor);
    }
    said.tags.extend(list(&front["tags"]));
    for key in
        ["language", "library_name", "base_model_relation", "metrics", "thumbnail", "inference"]
    {
        let values = list(&front[key]);
        if !values.is_empty() {
            said.properties
                .push(property(&format!("card:{}", key.replace('_', "-")), values.join(", ")));
        }
    }
    if let Some(library) = text("library_name").and_then(caiso_modelfile::package_of_module) {
        said.software.push((library.to_owned(), None));
    }
    said.metrics.extend(metrics(&front["model-index"]));
    environment(&front["co2_eq_emissions"], said);
}

/// Texts of a list, or a single text, number or truth value.
fn list(value: &Value) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().filter_map(one).take(MOST).collect(),
        value => one(value).into_iter().collect(),
    }
}

/// `model-index`: results, each with its metrics.
fn metrics(index: &Value) -> Vec<Metric> {
    let models = index.as_array().into_iter().flatten();
    let results = models.flat_map(|model| model["results"].as_array().into_iter().flatten());
    let mut metrics = Vec::new();
    for result in results {
        let data = &result["dataset"];
        let words = ["name", "config", "split"].iter().filter_map(|key| data[*key].as_str());
        let slice = words.collect::<Vec<_>>().join(", ");
        for metric in result["metrics"].as_array().into_iter().flatten() {
            let kind = metric["type"].as_str().or_else(|| metric["name"].as_str());
            let value = list(&metric["value"]).into_iter().next();
            if let (Some(kind), Some(value)) = (kind, value)
                && metrics.len() < MOST
            {
                let slice = Some(slice.clone()).filter(|slice| !slice.is_empty());
                metrics.push(Metric { kind: kind.to_owned(), value, slice });
            }
        }
    }
    metrics
}

/// A number of grams, or a table with more about it.
fn environment(emissions: &Value, said: &mut Said) {
    let mut properties = Vec::new();
    match emissions {
        Value::Number(grams) => properties.push(property("co2-emissions-grams", grams.to_string())),
        Value::Object(table) => {
            for (key, value) in table {
                let name = if key == "emissions" {
                    "co2-emissions-grams".to_owned()
                } else {
                    format!("co2-{}", key.replace('_', "-"))
                };
                properties.extend(list(value).into_iter().map(|value| property(&name, value)));
            }
        }
        _ => {}
    }
    environmental(properties, said);
}

fn environmental(properties: Vec<Property>, said: &mut Said) {
    if !properties.is_empty() {
        let known = said
            .considerations
            .environmental_considerations
            .get_or_insert_with(|| Environmental { properties: Vec::new() });
        known.properties.extend(properties);
    }
}

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Users,
    UseCases,
    Limitations,
    Ethics,
    Tradeoffs,
    Environment,
    Data,
    Training,
    Evaluation,
}

/// The topics of a heading; a heading can have several: `Bias, Risks, and Limitations`.
fn topics(heading: &str) -> Vec<Topic> {
    let heading = heading.to_ascii_lowercase();
    let heading = heading.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let holds = |words: &[&str]| words.iter().any(|word| heading.contains(word));
    let mut topics = Vec::new();
    if heading == "users" || holds(&["intended user", "primary user", "target audience"]) {
        topics.push(Topic::Users);
    } else if holds(&["out-of-scope", "out of scope", "limitation", "misuse", "caveats"]) {
        topics.push(Topic::Limitations);
    } else if heading == "uses"
        || holds(&["intended use", "direct use", "downstream use", "use case", "intended purpose"])
    {
        topics.push(Topic::UseCases);
    }
    if heading == "risks" || holds(&["ethic", "bias", "fairness", "risks and"]) {
        topics.push(Topic::Ethics);
    }
    if holds(&["trade-off", "tradeoff"]) {
        topics.push(Topic::Tradeoffs);
    }
    if holds(&["environmental"]) {
        topics.push(Topic::Environment);
    }
    if holds(&["training data", "dataset"]) {
        topics.push(Topic::Data);
    } else if holds(&["training procedure", "training hyperparameters", "training details"]) {
        topics.push(Topic::Training);
    } else if holds(&["evaluation", "metrics", "results"]) && !holds(&["out of"]) {
        topics.push(Topic::Evaluation);
    }
    topics
}

/// Reads the sections; whether any has a topic that only model cards have.
fn sections(body: &str, said: &mut Said) -> bool {
    let mut found = false;
    // The open headings: depth and topics. A heading without a topic is part of what is around it.
    let mut open: Vec<(usize, Vec<Topic>)> = Vec::new();
    let mut text = String::new();
    let mut fence = None;
    let mut flush = |open: &[(usize, Vec<Topic>)], text: &mut String, said: &mut Said| {
        let topics = open.iter().rev().map(|(_, topics)| topics).find(|topics| !topics.is_empty());
        for &topic in topics.into_iter().flatten() {
            found |= tell(topic, text, said)
                && !matches!(topic, Topic::Data | Topic::Training | Topic::Evaluation);
        }
        text.clear();
    };
    for line in body.lines() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        let depth = line.bytes().take_while(|&byte| byte == b'#').count();
        let heading = line
            .get(depth..)
            .filter(|rest| (1..=6).contains(&depth) && fence.is_none() && rest.starts_with(' '));
        let Some(heading) = heading else {
            if fence.is_none() && mark.is_none() {
                text += line;
                text.push('\n');
            }
            continue;
        };
        flush(&open, &mut text, said);
        while open.last().is_some_and(|(above, _)| *above >= depth) {
            open.pop();
        }
        open.push((depth, topics(heading)));
    }
    flush(&open, &mut text, said);
    found
}

/// Notes what a section says; whether it says anything.
fn tell(topic: Topic, text: &str, said: &mut Said) -> bool {
    let items = items(text);
    if items.is_empty() {
        return false;
    }
    let considerations = &mut said.considerations;
    let add = |known: &mut Vec<String>, items: Vec<String>| {
        let room = MOST.saturating_sub(known.len());
        known.extend(items.into_iter().take(room));
    };
    let joined = |items: &[String]| cut(&items.join("\n"));
    match topic {
        Topic::Users => add(&mut considerations.users, items),
        Topic::UseCases => add(&mut considerations.use_cases, items),
        Topic::Limitations => add(&mut considerations.technical_limitations, items),
        Topic::Tradeoffs => add(&mut considerations.performance_tradeoffs, items),
        Topic::Ethics => {
            let room = MOST.saturating_sub(considerations.ethical_considerations.len());
            let risks = items.into_iter().take(room).map(|name| Risk { name });
            considerations.ethical_considerations.extend(risks);
        }
        Topic::Environment => {
            environmental(vec![property("card:environmental-impact", joined(&items))], said);
        }
        Topic::Data => said.card_properties.push(property("card:training-data", joined(&items))),
        Topic::Training => said.card_properties.push(property("card:training", joined(&items))),
        Topic::Evaluation => said.card_properties.push(property("card:evaluation", joined(&items))),
    }
    true
}

/// The entries of lists and the paragraphs of a section, without what templates leave to be filled in.
fn items(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let entry = ["- ", "* ", "+ "].iter().find_map(|mark| trimmed.strip_prefix(mark));
        match (trimmed.is_empty(), entry, items.last_mut()) {
            (true, ..) => open = false,
            (false, Some(entry), _) => {
                items.push(entry.trim().to_owned());
                open = true;
            }
            (false, None, Some(last)) if open => {
                last.push(' ');
                last.push_str(trimmed);
            }
            (false, None, _) => {
                items.push(trimmed.to_owned());
                open = true;
            }
        }
    }
    items.retain(|item| !item.to_ascii_lowercase().contains("more information needed"));
    items.into_iter().map(|item| cut(&item)).take(MOST).collect()
}

fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        kept += before;
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    kept + rest
}

/// At most some KiB, without control characters but line ends.
fn cut(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    match clean.char_indices().find(|(place, _)| *place >= LONGEST_TEXT) {
        Some((place, _)) => format!("{}… (cut)", &clean[..place]),
        None => clean,
    }
}

/// The card itself as a reference.
pub(super) fn reference(url: String, sha256: Option<&str>) -> Reference {
    let hashes = sha256.map(super::document::sha256).unwrap_or_default();
    Reference { url, kind: "model-card", hashes }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = "---
license: apache-2.0
pipeline_tag: text-classification
library_name: transformers
language: [en, de]
datasets:
- stanfordnlp/imdb
base_model: google-bert/bert-base-uncased
model-index:
- name: x
  results:
  - dataset: {name: imdb, split: test}
    metrics:
    - {type: accuracy, value: 0.91}
co2_eq_emissions:
  emissions: 12.5
  hardware_used: 1 A100
---
# Model
<!-- text
# Uses
-->
## Uses
### Direct Use
Sorting reviews
of films.

- One
- Two
### Out-of-Scope Use
[More Information Needed]
```
# Intended users
```
## Bias, Risks, and Limitations
It knows English only.
";

    #[test]
    fn front_matter_and_sections_are_read() {
        let said = read(CARD.as_bytes()).unwrap().unwrap();
        assert_eq!(said.task.as_deref(), Some("text-classification"));
        assert_eq!(said.licences, [licence("Apache-2.0", None)]);
        assert_eq!(said.datasets[0].name, "stanfordnlp/imdb");
        assert_eq!(
            said.pedigree.unwrap().ancestors[0].purl.as_deref(),
            Some("pkg:huggingface/google-bert/bert-base-uncased")
        );
        assert_eq!(said.metrics[0].value, "0.91");
        assert_eq!(said.metrics[0].slice.as_deref(), Some("imdb, test"));
        let considerations = said.considerations;
        assert_eq!(considerations.use_cases, ["Sorting reviews of films.", "One", "Two"]);
        assert_eq!(considerations.technical_limitations, ["It knows English only."]);
        assert_eq!(considerations.ethical_considerations[0].name, "It knows English only.");
        assert!(considerations.users.is_empty());
        assert_eq!(considerations.environmental_considerations.unwrap().properties.len(), 2);
    }

    #[test]
    fn other_texts_are_no_cards() {
        assert!(read(b"# Tool\n\n## Usage\n\nRun it.\n").unwrap().is_none());
        assert!(read(b"# Tool\n\n## Dataset\n\nFrom Boston.\n").unwrap().is_none());
        assert!(read(b"---\na: [\n---\n").is_err());
        assert!(read(b"\xff").is_err());
    }
}
