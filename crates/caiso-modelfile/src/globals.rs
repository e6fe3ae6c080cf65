//! Python objects that configurations and sources name, judged by the catalog of pickle globals.

use caiso_pickle::catalog::{Judgement, Rule, Use};
use caiso_pickle::{Catalog, Category};

/// What something of this category does, in words that follow "which".
pub(crate) fn effect(category: Category) -> &'static str {
    match category {
        Category::Exec => "runs commands or code",
        Category::Resolver => "reaches any object by its name",
        Category::Import => "imports a module that its argument names",
        Category::FileWrite => "creates, changes or removes files",
        Category::FileRead => "reads files",
        Category::Network => "talks to other machines",
        Category::Native => "loads or calls native code",
        Category::ProcessControl => "starts or disturbs processes",
        Category::NestedLoad => "loads another serialised object",
        Category::CodeObject => "builds code from bytes",
        Category::HarmlessConstructor | Category::FrameworkRebuild => "only builds data",
        _ => "is not known to caiso",
    }
}

/// Identifiers of published advisories in a sentence: ` (CVE-…)`, or nothing.
pub(crate) fn cited(reference: Option<&str>) -> String {
    reference.map_or_else(String::new, |reference| format!(" ({reference})"))
}

/// Judges calling or instantiating `name` of `module`.
pub(crate) fn judge(module: &str, name: &str) -> Judgement {
    Catalog::embedded().judge(module, name, Use::Call)
}

/// Judges calling `a.b.c`, of which it is not written where the module ends: the worst of every way to
/// cut it that the catalog knows.
pub(crate) fn judge_dotted(path: &str) -> Judgement {
    let catalog = Catalog::embedded();
    let cuts = path
        .match_indices('.')
        .filter_map(|(at, _)| Some((path.get(..at)?, path.get(at.checked_add(1)?..)?)));
    // Longer ones are suspicious by their length alone; the catalog says so for each cut.
    let judged = cuts.take(32).map(|(module, name)| catalog.judge(module, name, Use::Call));
    let mut worst = None;
    for judgement in judged {
        let known = judgement.rule != Rule::Default;
        let better = |so_far: &Judgement| {
            (judgement.category.is_dangerous(), known, judgement.severity)
                > (so_far.category.is_dangerous(), so_far.rule != Rule::Default, so_far.severity)
        };
        if worst.as_ref().is_none_or(better) {
            worst = Some(judgement);
        }
    }
    worst.unwrap_or_else(|| catalog.judge("builtins", path, Use::Call))
}

#[cfg(test)]
mod tests {
    use caiso_core::Severity;

    use super::judge_dotted;

    #[test]
    fn the_worst_cut_counts() {
        assert_eq!(judge_dotted("os.system").severity, Severity::Critical);
        assert_eq!(judge_dotted("subprocess.Popen.communicate").severity, Severity::Critical);
        assert!(judge_dotted("logging.os.system").severity >= Severity::High);
        assert_eq!(judge_dotted("mine.Thing").severity, Severity::Medium);
        assert_eq!(judge_dotted("set").severity, Severity::Info);
    }
}
