//! What is said about a model, by the files beside it.

use super::document::{
    ComponentData, Considerations, LicenceChoice, Metric, Pedigree, Property, Reference,
};

/// Statements about a model. Where several files say the same thing, the nearest and most specific is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) description: Option<String>,
    pub(super) author: Option<String>,
    pub(super) task: Option<String>,
    pub(super) family: Option<String>,
    pub(super) architecture: Option<String>,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) licences: Vec<LicenceChoice>,
    pub(super) datasets: Vec<ComponentData>,
    pub(super) metrics: Vec<Metric>,
    pub(super) considerations: Considerations,
    pub(super) pedigree: Option<Pedigree>,
    pub(super) references: Vec<Reference>,
    pub(super) tags: Vec<String>,
    /// Name and version of packages.
    pub(super) software: Vec<(String, Option<String>)>,
    /// Properties of the component.
    pub(super) properties: Vec<Property>,
    /// Properties of its model card.
    pub(super) card_properties: Vec<Property>,
}

impl Said {
    /// Adds what a file further away says.
    pub(super) fn add(&mut self, other: Self) {
        fn first<T>(own: &mut Option<T>, other: Option<T>) {
            if own.is_none() {
                *own = other;
            }
        }
        fn list<T>(own: &mut Vec<T>, other: Vec<T>) {
            if own.is_empty() {
                *own = other;
            }
        }
        first(&mut self.name, other.name);
        first(&mut self.version, other.version);
        first(&mut self.description, other.description);
        first(&mut self.author, other.author);
        first(&mut self.task, other.task);
        first(&mut self.family, other.family);
        first(&mut self.architecture, other.architecture);
        first(&mut self.pedigree, other.pedigree);
        list(&mut self.inputs, other.inputs);
        list(&mut self.outputs, other.outputs);
        list(&mut self.licences, other.licences);
        list(&mut self.datasets, other.datasets);
        list(&mut self.metrics, other.metrics);
        list(&mut self.tags, other.tags);
        let (own, more) = (&mut self.considerations, other.considerations);
        list(&mut own.users, more.users);
        list(&mut own.use_cases, more.use_cases);
        list(&mut own.technical_limitations, more.technical_limitations);
        list(&mut own.performance_tradeoffs, more.performance_tradeoffs);
        list(&mut own.ethical_considerations, more.ethical_considerations);
        first(&mut own.environmental_considerations, more.environmental_considerations);
        self.references.extend(other.references);
        self.software.extend(other.software);
        self.properties.extend(other.properties);
        self.card_properties.extend(other.card_properties);
    }
}
