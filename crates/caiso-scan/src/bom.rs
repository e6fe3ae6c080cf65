//! A bill of materials of models: CycloneDX 1.6 with the models, the data and the software beside them.
//!
//! Everything in it is read from files. Nothing depends on the machine, the time or the number of threads: the
//! same files give the same bytes.

mod beside;
mod card;
mod data;
mod document;
mod licence;
mod model;
mod place;
mod said;
mod software;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use caiso_core::{TOOL_VERSION, sha256_hex};
use caiso_modelfile::{Description, describe};

use crate::{Content, FileResult, Options, ScanError, Verdict, find, scan};
use beside::Manifest;
use document::{
    Component, Composition, DatasetChoice, Dependency, Kind, Lifecycle, Metadata, Reference, Tools,
    property, sha256,
};
use model::Role;
use place::Place;
use said::Said;
use software::{Package, Software};

pub use document::Document;

/// How to write a bill.
#[derive(Clone, Debug, Default)]
pub struct BomOptions {
    /// Name of what the bill is about; the name of the first path otherwise.
    pub name: Option<String>,
    /// Its version, which is that of the models too.
    pub version: Option<String>,
    /// When it was written (RFC 3339); the bill is the same every time without.
    pub timestamp: Option<String>,
    /// Threads.
    pub jobs: usize,
}

/// A bill, and what could not go into it.
#[derive(Clone, Debug)]
pub struct Bom {
    /// Serialises as CycloneDX 1.6.
    pub document: Document,
    /// Number of models.
    pub models: usize,
    /// Files that could not be read, with the reason.
    pub not_read: Vec<String>,
}

/// Writes the bill of what lies under the paths. `finished` is told each file that was scanned, from the
/// scanning threads.
pub fn bom(
    paths: &[PathBuf],
    options: &BomOptions,
    finished: &(dyn Fn(&FileResult) + Sync),
) -> Result<Bom, ScanError> {
    let files = files(paths, options, finished)?;
    let mut bill = Bill::new(files);
    bill.read_lists_and_cards();
    Ok(bill.finish(paths, options))
}

/// A file that was found.
struct File {
    path: PathBuf,
    place: Place,
    result: FileResult,
    description: Description,
}

fn files(
    paths: &[PathBuf],
    options: &BomOptions,
    finished: &(dyn Fn(&FileResult) + Sync),
) -> Result<Vec<File>, ScanError> {
    let mut files = Vec::new();
    let mut prefixes = BTreeSet::new();
    let mut known = BTreeSet::new();
    for root in paths {
        let prefix = (paths.len() > 1).then(|| {
            let name = name_of(root);
            let others = (2..).map(|number| format!("{name}-{number}"));
            let mut names = std::iter::once(name.clone()).chain(others);
            names.find(|name| prefixes.insert(name.clone())).unwrap_or_default()
        });
        // A file lies in no folder of its own.
        let prefix = prefix.filter(|_| root.is_dir());
        let targets = find(std::slice::from_ref(root))?;
        let settings = Options { jobs: options.jobs.max(1), digests: true };
        let results = scan(&targets, &settings, finished);
        for (target, result) in targets.into_iter().zip(results) {
            let mut place = Place::new(&target.path, root, prefix.as_deref());
            while !known.insert(place.path.clone()) {
                place.path.push('_');
            }
            let description = describe(&result.tree);
            files.push(File { path: target.path, place, result, description });
        }
    }
    Ok(files)
}

/// The name of a file or folder, also of `.`.
fn name_of(path: &Path) -> String {
    let full = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    full.file_name().map_or_else(|| "models".to_owned(), |name| name.to_string_lossy().into_owned())
}

struct Bill {
    files: Vec<File>,
    software: Software,
    /// Cards and configurations: where they lie and what they say.
    said: Vec<(Place, Said)>,
    manifests: Vec<Manifest>,
    /// Licences by the files that hold their text.
    licences: Vec<(Place, document::LicenceChoice)>,
    lists: Vec<(Place, Vec<Package>)>,
    not_read: Vec<String>,
}

impl Bill {
    fn new(files: Vec<File>) -> Self {
        let not_read = files
            .iter()
            .filter(|file| file.result.sha256.is_none())
            .map(|file| {
                let reason = file.result.not_inspected.first();
                let reason = reason.map_or("cannot be read", |gap| gap.reason.as_str());
                format!("{}: {reason}", file.place.path)
            })
            .collect();
        Self {
            files,
            software: Software::default(),
            said: Vec::new(),
            manifests: Vec::new(),
            licences: Vec::new(),
            lists: Vec::new(),
            not_read,
        }
    }

    /// Reads what is written beside the models.
    fn read_lists_and_cards(&mut self) {
        for file in self.files.iter().filter(|file| file.result.sha256.is_some()) {
            let name = file.place.name();
            let is_licence = matches!(
                name.to_ascii_uppercase().as_str(),
                "LICENSE" | "LICENCE" | "COPYING" | "LICENSE.TXT" | "LICENSE.MD" | "LICENCE.TXT"
            );
            let is_manifest = matches!(name, "caiso.yaml" | "caiso.yml");
            let described = card::is_card(name) || beside::is_configuration(name);
            if !(is_licence || is_manifest || described || software::is_list(name)) {
                continue;
            }
            let content = match Content::open(&file.path) {
                Ok(content) => content,
                Err(error) => {
                    self.not_read.push(format!("{}: cannot be read: {error}", file.place.path));
                    continue;
                }
            };
            let bytes = content.as_ref();
            let place = file.place.clone();
            let problem = if is_licence {
                let text = String::from_utf8_lossy(bytes.get(..64 << 10).unwrap_or(bytes));
                self.licences.extend(licence::of_text(&text).map(|licence| (place, licence)));
                None
            } else if is_manifest {
                beside::manifest(&place, bytes).map(|manifest| self.manifests.push(manifest)).err()
            } else if card::is_card(name) {
                let sha256 = file.result.sha256.as_deref();
                card::read(bytes)
                    .map(|said| {
                        self.said.extend(said.map(|mut said| {
                            said.references.push(card::reference(place.url(), sha256));
                            (place, said)
                        }));
                    })
                    .err()
            } else if beside::is_configuration(name) {
                beside::read(name, bytes)
                    .map(|said| self.said.extend(said.map(|said| (place, said))))
                    .err()
            } else {
                software::read(name, bytes).map(|list| self.lists.push((place, list))).err()
            };
            self.not_read.extend(problem.map(|problem| format!("{}: {problem}", file.place.path)));
        }
    }

    fn finish(mut self, paths: &[PathBuf], options: &BomOptions) -> Bom {
        let parts = self.files.iter().filter(|file| file.place.name() == "saved_model.pb");
        let parts = parts.flat_map(|file| self.parts(file)).map(|part| part.place.path.clone());
        let parts: BTreeSet<String> = parts.collect();
        let role =
            |file: &File| model::role(&file.place, &file.result.tree, &file.description, &parts);
        let roles: Vec<Role> = self.files.iter().map(role).collect();
        let models = roles.iter().filter(|role| **role == Role::Model).count();
        let data = self.data(&roles);
        let mut components = Vec::new();
        // Reference to what it needs besides software.
        let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut beside: BTreeMap<String, Component> = BTreeMap::new();
        let mut model_references = Vec::new();
        for (file, _) in self.files.iter().zip(&roles).filter(|(_, role)| **role == Role::Model) {
            let (said, sets, needed) = self.around(file, &data);
            let mut software = std::mem::take(&mut self.software);
            let own = format!("model/{}", file.place.path);
            for (package, version) in &file.description.software {
                let package = Package::named(package, version.as_deref());
                software.add(package, &file.place, std::slice::from_ref(&own));
            }
            for (place, said) in self.said_about(file) {
                for (package, version) in &said.software {
                    let package = Package::named(package, version.as_deref());
                    software.add(package, place, std::slice::from_ref(&own));
                }
            }
            self.software = software;
            let mut component =
                model::component(&file.result, &file.place, &file.description, said, sets);
            if models == 1 && options.name.is_some() {
                component.name = options.name.clone().unwrap_or_default();
            }
            if options.version.is_some() {
                component.version.clone_from(&options.version);
            }
            let needed_files = self.parts(file);
            let references = needs.entry(own.clone()).or_default();
            references.extend(needed);
            for part in needed_files {
                references.insert(format!("file/{}", part.place.path));
                beside.insert(part.place.path.clone(), file_component(part));
            }
            model_references.push(own);
            components.push(component);
        }
        // Other files that a loader may meet, with something wrong in them.
        for (file, role) in self.files.iter().zip(&roles) {
            if *role == Role::Other && file.result.verdict == Verdict::Findings {
                beside.entry(file.place.path.clone()).or_insert_with(|| file_component(file));
            }
        }
        for (place, list) in std::mem::take(&mut self.lists) {
            let users: Vec<String> = self
                .files
                .iter()
                .zip(&roles)
                .filter(|(file, role)| **role == Role::Model && place.covers(&file.place))
                .map(|(file, _)| format!("model/{}", file.place.path))
                .collect();
            for package in list {
                self.software.add(package, &place, &users);
            }
        }
        self.software.settle();
        for reference in &model_references {
            needs.entry(reference.clone()).or_default().extend(self.software.needed_by(reference));
        }
        components.extend(data.into_iter().map(|data| data.component));
        components.extend(beside.into_values());
        components.extend(self.software.components());
        self.write(paths, options, components, needs, model_references)
    }

    /// Puts the document together.
    fn write(
        self,
        paths: &[PathBuf],
        options: &BomOptions,
        components: Vec<Component>,
        mut needs: BTreeMap<String, BTreeSet<String>>,
        models: Vec<String>,
    ) -> Bom {
        let root = "subject".to_owned();
        let needed: BTreeSet<&String> = needs.values().flatten().collect();
        let direct = components
            .iter()
            .map(|component| &component.bom_ref)
            .filter(|reference| !needed.contains(reference))
            .cloned()
            .collect();
        needs.insert(root.clone(), direct);
        let mut dependencies = Vec::new();
        let all = std::iter::once(&root).chain(components.iter().map(|part| &part.bom_ref));
        for reference in all {
            let depends_on = needs.remove(reference).unwrap_or_default().into_iter().collect();
            dependencies.push(Dependency { reference: reference.clone(), depends_on });
        }
        let name = paths.first().map_or_else(|| "models".to_owned(), |path| name_of(path));
        let subject = Component {
            bom_ref: root.clone(),
            name: options.name.clone().unwrap_or(name),
            version: options.version.clone(),
            properties: self
                .not_read
                .iter()
                .map(|text| property("not-read", text.clone()))
                .collect(),
            ..Component::default()
        };
        let tool = Component {
            name: "caiso".to_owned(),
            version: Some(TOOL_VERSION.to_owned()),
            ..Component::default()
        };
        let count = models.len();
        let mut document = Document {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: String::new(),
            version: 1,
            metadata: Metadata {
                timestamp: None,
                lifecycles: vec![Lifecycle { phase: "post-build" }],
                tools: Tools { components: vec![tool] },
                component: Box::new(subject),
            },
            components,
            dependencies,
            // What software needs in turn is not followed.
            compositions: vec![Composition {
                aggregate: "incomplete",
                assemblies: if self.not_read.is_empty() { Vec::new() } else { vec![root] },
                dependencies: models,
            }],
        };
        document.serial_number = serial_number(&document);
        document.metadata.timestamp.clone_from(&options.timestamp);
        Bom { document, models: count, not_read: self.not_read }
    }

    /// The data files.
    fn data(&self, roles: &[Role]) -> Vec<Data> {
        let mut found = Vec::new();
        for (file, role) in self.files.iter().zip(roles) {
            if *role == Role::Model || file.result.sha256.is_none() {
                continue;
            }
            let name = file.place.name();
            // Most files are none: their names tell.
            if *role != Role::Data && !data::is_known(name) {
                continue;
            }
            let Ok(content) = Content::open(&file.path) else { continue };
            let kind = data::media_type(name, content.as_ref());
            let fallback = (*role == Role::Data).then_some("application/octet-stream");
            let Some(kind) = kind.or(fallback) else { continue };
            let mut stated = self.manifests.iter().flat_map(|manifest| &manifest.data);
            let said = stated.rfind(|said| said.path == file.place.path);
            let role = said.map(|said| said.role);
            let role = role.or_else(|| data::role_of_name(&file.place.path));
            let bytes = content.as_ref();
            let component = data::component(&file.result, &file.place, bytes, kind, role, said);
            found.push(Data { component, place: file.place.clone(), role });
        }
        found
    }

    /// Cards and configurations that are about a model, the nearest first.
    fn said_about(&self, file: &File) -> impl Iterator<Item = &(Place, Said)> {
        let mut about: Vec<&(Place, Said)> =
            self.said.iter().filter(|(place, _)| place.covers(&file.place)).collect();
        about.sort_by_key(|(place, _)| std::cmp::Reverse(place.folder().len()));
        about.into_iter()
    }

    /// What the files around a model say about it, its data, and the references of what it needs.
    fn around(&self, file: &File, data: &[Data]) -> (Said, Vec<DatasetChoice>, Vec<String>) {
        let mut said = Said::default();
        let stated = self.manifests.iter().flat_map(|manifest| &manifest.models);
        for (_, of_manifest) in stated.filter(|(path, _)| *path == file.place.path) {
            said.add(of_manifest.clone());
        }
        for (_, of_card) in self.said_about(file) {
            said.add(of_card.clone());
        }
        let mut licences: Vec<_> =
            self.licences.iter().filter(|(place, _)| place.covers(&file.place)).collect();
        licences.sort_by_key(|(place, _)| std::cmp::Reverse(place.folder().len()));
        if said.licences.is_empty() {
            said.licences.extend(licences.first().map(|(_, licence)| licence.clone()));
        }
        said.references.extend(self.signatures(file));
        // Data that a name or a manifest gives a part in making or judging the model.
        let used =
            || data.iter().filter(|data| data.role.is_some() && near(&data.place, &file.place));
        let sets = used()
            .map(|data| DatasetChoice::Here { reference: data.component.bom_ref.clone() })
            .collect();
        let needed = used()
            .filter(|data| data.role == Some("train"))
            .map(|data| data.component.bom_ref.clone())
            .collect();
        (said, sets, needed)
    }

    /// Signatures beside a model.
    fn signatures(&self, model: &File) -> Vec<Reference> {
        let name = model.place.name();
        let names = [
            format!("{name}.sig"),
            format!("{name}.sigstore"),
            format!("{name}.sigstore.json"),
            "model.sig".to_owned(),
        ];
        let beside = self.files.iter().filter(|file| file.place.folder() == model.place.folder());
        beside
            .filter(|file| names.iter().any(|name| name == file.place.name()))
            .map(|file| Reference {
                url: file.place.url(),
                kind: "digital-signature",
                hashes: file.result.sha256.as_deref().map(sha256).unwrap_or_default(),
            })
            .collect()
    }

    /// The other files that a model is made of.
    fn parts(&self, model: &File) -> Vec<&File> {
        let folder = model.place.folder();
        let within = |name: &str| {
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        };
        let mut paths = BTreeSet::new();
        let name = model.place.name();
        let written = model.result.tree.data_files(name);
        paths.extend(written.iter().filter_map(|path| model.place.join(path)));
        let values = model.place.path.strip_suffix(".index").map(|stem| format!("{stem}.data-"));
        let saved = name == "saved_model.pb";
        let folders = [within("variables/"), within("assets/")];
        let loose = [within("keras_metadata.pb"), within("fingerprint.pb")];
        self.files
            .iter()
            .filter(|file| {
                let path = &file.place.path;
                let of_saved = saved
                    && (folders.iter().any(|folder| path.starts_with(folder))
                        || loose.contains(path));
                let of_checkpoint = values.as_ref().is_some_and(|values| path.starts_with(values));
                *path != model.place.path && (of_saved || of_checkpoint || paths.contains(path))
            })
            .collect()
    }
}

/// A data file.
struct Data {
    component: Component,
    place: Place,
    role: Option<&'static str>,
}

/// Whether data lies beside a model: both in folders of one folder, or one in a folder of the other.
fn near(data: &Place, model: &Place) -> bool {
    let parent =
        |folder: &str| folder.rsplit_once('/').map_or(String::new(), |(above, _)| above.to_owned());
    let (data, model) = (data.folder(), model.folder());
    data == model || parent(data) == model || data == parent(model) || parent(data) == parent(model)
}

fn file_component(file: &File) -> Component {
    let formats: Vec<&str> = file.description.formats.iter().map(|format| format.name()).collect();
    let mut properties = vec![property("size", file.result.size.to_string())];
    if !formats.is_empty() {
        properties.push(property("format", formats.join(" and ")));
    }
    properties.extend(model::verdict(&file.result, &file.place));
    Component {
        kind: Kind::File,
        bom_ref: format!("file/{}", file.place.path),
        name: file.place.path.clone(),
        hashes: file.result.sha256.as_deref().map(sha256).unwrap_or_default(),
        properties,
        ..Component::default()
    }
}

/// A UUID of version 8 (RFC 9562, section 5.8): the first 122 free bits of the SHA-256 digest of the document,
/// which holds the digests of all files.
fn serial_number(document: &Document) -> String {
    let bytes = serde_json::to_vec(document).unwrap_or_default();
    let digest = sha256_hex(&bytes);
    let variant = match digest.as_bytes()[16] & 3 {
        0 => '8',
        1 => '9',
        2 => 'a',
        _ => 'b',
    };
    format!(
        "urn:uuid:{}-{}-8{}-{variant}{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[13..16],
        &digest[17..20],
        &digest[20..32]
    )
}
