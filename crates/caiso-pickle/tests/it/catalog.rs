use std::collections::BTreeMap;

use caiso_core::Severity;
use caiso_pickle::catalog::{Catalog, Category, Rule, Use};
use proptest::prelude::*;

/// Published bypasses of other scanners that come down to a global, and the global.
const BYPASSES: &[(&str, &str, &str)] = &[
    ("CVE-2025-1716", "pip", "main"),
    ("CVE-2025-1716", "pip._internal", "main"),
    ("GHSA-655q-fx9r-782v", "pip", "main"),
    ("CVE-2025-10157", "asyncio.unix_events", "_UnixSubprocessTransport._start"),
    ("GHSA-f7qq-56ww-84cr", "asyncio.unix_events", "_UnixSubprocessTransport._start"),
    ("GHSA-q77w-mwjj-7mqx", "asyncio.unix_events", "_UnixSubprocessTransport._start"),
    ("CVE-2025-46417", "linecache", "getline"),
    ("CVE-2025-46417", "ssl", "get_server_certificate"),
    ("GHSA-vvpj-8cmc-gx39", "pkgutil", "resolve_name"),
    ("GHSA-955r-x9j8-7rhh", "_operator", "methodcaller"),
    ("GHSA-46h3-79wf-xr6c", "_operator", "attrgetter"),
    ("GHSA-84r2-jw7c-4r5q", "pydoc", "locate"),
    ("GHSA-84r2-jw7c-4r5q", "operator", "methodcaller"),
    ("GHSA-g38g-8gr9-h9xp", "uuid", "_get_command_stdout"),
    ("GHSA-g38g-8gr9-h9xp", "imaplib", "IMAP4_stream"),
    ("GHSA-g38g-8gr9-h9xp", "_osx_support", "_read_output"),
    ("GHSA-g38g-8gr9-h9xp", "_aix_support", "_read_cmd_output"),
    ("GHSA-g38g-8gr9-h9xp", "_pyrepl.pager", "pipe_pager"),
    ("GHSA-g38g-8gr9-h9xp", "test.support.script_helper", "assert_python_ok"),
    ("CVE-2026-56304", "logging", "FileHandler"),
    ("GHSA-m273-6v24-x4m4", "distutils.file_util", "write_file"),
    ("GHSA-r8g5-cgf2-4m4m", "numpy.f2py.crackfortran", "getlincoef"),
    ("GHSA-7wx9-6375-f5wh", "profile", "run"),
    ("GHSA-49gj-c84q-6qm9", "cProfile", "run"),
    ("GHSA-9w88-8rmg-7g2p", "cProfile", "runctx"),
    ("GHSA-4675-36f9-wf6r", "ctypes", "CDLL"),
    ("GHSA-vqmv-47xg-9wpr", "pty", "spawn"),
    ("GHSA-fqq6-7vqf-w3fg", "doctest", "debug_script"),
    ("GHSA-cj3c-v495-4xqh", "code", "InteractiveInterpreter.runcode"),
    ("GHSA-3gf5-cxq9-w223", "idlelib.pyshell", "ModifiedInterpreter.runcode"),
    ("GHSA-3vg9-h568-4w9m", "idlelib.debugobj", "ObjectTreeItem.SetText"),
    ("GHSA-6w4w-5w54-rjvr", "idlelib.autocomplete", "AutoComplete.get_entity"),
    ("GHSA-7cq8-mj8x-j263", "idlelib.autocomplete", "AutoComplete.fetch_completions"),
    ("GHSA-8r4j-24qv-fmq9", "idlelib.calltip", "Calltip.fetch_tip"),
    ("GHSA-9xph-j2h6-g47v", "idlelib.calltip", "get_entity"),
    ("GHSA-j343-8v2j-ff7w", "idlelib.pyshell", "ModifiedInterpreter.runcommand"),
    ("GHSA-m869-42cg-3xwr", "idlelib.run", "Executive.runcode"),
    ("GHSA-4r9r-ch6f-vxmx", "torch.utils.bottleneck.__main__", "run_cprofile"),
    ("GHSA-4whj-rm5r-c2v8", "torch.utils.bottleneck.__main__", "run_autograd_prof"),
    ("GHSA-86cj-95qr-2p4f", "torch._dynamo.guards", "GuardBuilder.get"),
    (
        "GHSA-f4x7-rfwp-v3xw",
        "torch.fx.experimental.symbolic_shapes",
        "ShapeEnv.evaluate_guards_expression",
    ),
    ("GHSA-f745-w6jp-hpxx", "torch.utils.collect_env", "run"),
    ("GHSA-h3qp-7fh3-f8h4", "torch.utils.data.datapipes.utils.decoder", "basichandlers"),
    ("GHSA-jhph-76pp-mggw", "torch.utils.collect_env", "run_and_read_all"),
    ("GHSA-vr7h-p6mm-wpmh", "torch.jit.unsupported_tensor_ops", "execWrapper"),
    ("GHSA-vv6j-3g6g-2pvj", "torch.utils._config_module", "ConfigModule.load_config"),
    ("GHSA-f54q-57x4-jg88", "lib2to3.pgen2.grammar", "Grammar.loads"),
    ("GHSA-p9w7-82w4-7q8m", "lib2to3.pgen2.pgen", "ParserGenerator.make_label"),
    ("GHSA-xp4f-hrf8-rxw7", "ensurepip", "_run_pip"),
    ("GHSA-5qwp-399c-mjwf", "trace", "Trace.run"),
    ("GHSA-g344-hcph-8vgg", "trace", "Trace.runctx"),
    ("GHSA-6vqj-c2q5-j97w", "profile", "Profile.runctx"),
    ("GHSA-x696-vm39-cp64", "profile", "Profile.run"),
    ("GHSA-9726-w42j-3qjr", "_io", "FileIO"),
    ("GHSA-9726-w42j-3qjr", "urllib.request", "urlopen"),
    ("GHSA-9m3x-qqw2-h32h", "types", "CodeType"),
    ("GHSA-9m3x-qqw2-h32h", "cloudpickle.cloudpickle", "_make_function"),
    ("GHSA-5j3x-jp52-966f", "logging", "os.system"),
    ("GHSA-6ggj-6f2q-f7mx", "_xxsubinterpreters", "run_string"),
    ("GHSA-6ggj-6f2q-f7mx", "_interpreters", "exec"),
    ("GHSA-r7v6-mfhq-g3m2", "pty", "spawn"),
    ("GHSA-565g-hwwr-4pp3", "marshal", "loads"),
    ("GHSA-565g-hwwr-4pp3", "types", "FunctionType"),
    ("CVE-2025-8747", "keras.utils", "get_file"),
    ("CVE-2025-9906", "keras.config", "enable_unsafe_deserialization"),
    ("CVE-2025-49655", "keras.layers", "TorchModuleWrapper"),
    ("CVE-2024-3660", "keras.layers", "Lambda"),
];

#[test]
fn every_published_bypass_is_high_when_called_and_names_its_advisory() {
    let catalog = Catalog::embedded();
    for (id, module, name) in BYPASSES {
        let judgement = catalog.judge(module, name, Use::Call);
        assert!(judgement.severity >= Severity::High, "{id}: {module} {name}: {judgement:?}");
        let import = catalog.judge(module, name, Use::Import);
        assert!(import.severity >= Severity::Medium, "{id}: {module} {name}: {import:?}");
        let reference = judgement.reference.unwrap_or_default();
        if !reference.contains(id) {
            // `pip._internal main` is ours, not the advisory's.
            assert_eq!((*module, *name), ("pip._internal", "main"), "{id} is not in `{reference}`");
        }
    }
}

#[test]
fn ways_around_a_list_of_names_do_not_help() {
    let catalog = Catalog::embedded();
    for (module, name) in [
        // Dotted names that leave the module, in several lengths and by aliases.
        ("logging", "os.system"),
        ("logging", "os"),
        ("logging", "Handler.os.system"),
        ("torch.library", "torch.utils.collect_env.run"),
        ("collections", "_sys.modules"),
        ("random", "_os.system"),
        ("numpy", "f2py.crackfortran.getlincoef"),
        ("torch", "hub.load"),
        ("numpy", "testing._private.utils.runstring"),
        ("torch.serialization", "os.path.os.popen"),
        ("a.b", "c.builtins.eval"),
        ("somewhere", "thing.system"),
        ("transformers.models.bert.modeling_bert", "BertModel.from_pretrained"),
        ("numpy", "ndarray.tofile"),
        ("pandas.core.frame", "DataFrame.eval"),
        ("pathlib", "PosixPath.write_text"),
        // The insides of Python objects.
        ("builtins", "dict.__class__.__base__.__subclasses__"),
        ("collections", "OrderedDict.__reduce__"),
        ("torch.nn", "Module.__init__.__globals__"),
        ("numpy", "__builtins__"),
        ("foo", "__loader__"),
        // Methods of what is dangerous itself, and modules below.
        ("subprocess", "Popen.poll"),
        ("asyncio.anything.at_all", "x"),
        ("multiprocessing.util", "spawnv_passfds"),
        ("__builtins__", "eval"),
        // Names of Python 2.
        ("__builtin__", "eval"),
        ("__builtin__", "apply"),
        ("__builtin__", "reduce"),
        ("commands", "getoutput"),
        ("cPickle", "loads"),
        ("urllib", "urlopen"),
        ("urllib2", "urlopen"),
        ("httplib", "HTTPSConnection"),
        ("thread", "start_new_thread"),
    ] {
        let judgement = catalog.judge(module, name, Use::Call);
        assert!(judgement.severity >= Severity::High, "{module} {name}: {judgement:?}");
    }
}

#[test]
fn what_real_files_hold_is_at_most_low() {
    let catalog = Catalog::embedded();
    for (module, name) in [
        ("builtins", "set"),
        ("__builtin__", "set"),
        ("__builtin__", "object"),
        ("__builtin__", "xrange"),
        ("__builtin__", "long"),
        ("copy_reg", "_reconstructor"),
        ("copyreg", "__newobj__"),
        ("exceptions", "ValueError"),
        ("collections", "OrderedDict"),
        ("UserDict", "UserDict"),
        ("datetime", "datetime"),
        ("uuid", "UUID"),
        ("pathlib", "PosixPath"),
        ("argparse", "Namespace"),
        ("_codecs", "encode"),
        ("logging", "getLogger"),
        ("urllib.parse", "quote"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy.random._pickle", "__randomstate_ctor"),
        ("numpy.random._mt19937", "MT19937"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("scipy.sparse._csr", "csr_matrix"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("sklearn.pipeline", "Pipeline"),
        ("sklearn.ensemble._forest", "RandomForestClassifier"),
        ("sklearn.ensemble.forest", "RandomForestClassifier"),
        ("sklearn.tree._tree", "Tree"),
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.preprocessing._data", "StandardScaler"),
        ("imblearn.over_sampling._smote.base", "SMOTE"),
        ("xgboost.sklearn", "XGBClassifier"),
        ("xgboost.core", "Booster"),
        ("lightgbm.basic", "Booster"),
        ("statsmodels.regression.linear_model", "RegressionResultsWrapper"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch", "FloatStorage"),
        ("torch", "float32"),
        ("torch", "device"),
        ("torch.nn.modules.linear", "Linear"),
        ("torch.nn.modules.container", "Sequential"),
        ("torch.nn", "Linear"),
        ("torch.optim.adam", "Adam"),
        ("torch._tensor", "_rebuild_from_type_v2"),
        ("torchvision.models.resnet", "ResNet"),
        ("transformers.training_args", "TrainingArguments"),
        ("transformers.models.bert.modeling_bert", "BertForSequenceClassification"),
        ("ultralytics.nn.tasks", "DetectionModel"),
        ("keras.layers", "Dense"),
        ("keras.src.models.sequential", "Sequential"),
        ("omegaconf.dictconfig", "DictConfig"),
    ] {
        for how in [Use::Import, Use::Call] {
            let judgement = catalog.judge(module, name, how);
            assert!(judgement.severity <= Severity::Low, "{module} {name}: {judgement:?}");
            assert!(judgement.category.is_harmless(), "{module} {name}: {judgement:?}");
        }
    }
}

#[test]
fn the_neighbour_of_an_allowed_name_is_not_allowed() {
    let catalog = Catalog::embedded();
    let allowed = catalog.entries().into_iter().filter(|entry| entry.category.is_harmless());
    for entry in allowed {
        let name = format!("{}x_", entry.name);
        let judgement = catalog.judge(entry.module, &name, Use::Call);
        assert!(judgement.severity >= Severity::Medium, "{} {name}: {judgement:?}", entry.module);
    }
}

#[test]
fn what_is_not_listed_is_low_if_named_and_medium_if_called() {
    let catalog = Catalog::embedded();
    let named = catalog.judge("company.models", "Model", Use::Import);
    assert_eq!(
        (named.category, named.severity, named.rule),
        (Category::Unknown, Severity::Low, Rule::Default)
    );
    let called = catalog.judge("company.models", "Model.Inner", Use::Call);
    assert_eq!((called.severity, called.reference), (Severity::Medium, None));
}

#[test]
fn rules_say_what_matched() {
    let catalog = Catalog::embedded();
    let rule = |module, name| catalog.judge(module, name, Use::Call).rule;
    assert_eq!(rule("os", "system"), Rule::Exact);
    assert_eq!(rule("asyncio.locks.inner", "x"), Rule::Parent("asyncio"));
    assert_eq!(rule("logging", "os.system"), Rule::DottedPart("os"));
    assert_eq!(rule("nowhere", "x"), Rule::Default);
    // Both names of a module are judged, and the worse counts.
    assert_eq!(
        catalog.judge("_elementtree", "Element", Use::Call).category,
        Category::HarmlessConstructor
    );
}

#[test]
fn entries_are_sorted_distinct_and_dated() {
    let entries: Vec<_> = Catalog::embedded().entries();
    for pair in entries.windows(2) {
        assert!((pair[0].module, pair[0].name) < (pair[1].module, pair[1].name), "{pair:?}");
    }
    for entry in &entries {
        assert!(!entry.since.is_empty(), "{entry:?}");
        assert!(entry.call >= entry.import, "{entry:?}");
        let id = |id: &str| id.starts_with("CVE-") || id.starts_with("GHSA-") && id.len() == 19;
        assert!(entry.reference.is_none_or(|ids| ids.split(' ').all(id)), "{entry:?}");
        assert_ne!(entry.category, Category::Unknown, "{entry:?}");
    }
}

#[test]
fn counts_by_category() {
    let mut counts = BTreeMap::new();
    for entry in Catalog::embedded().entries() {
        *counts.entry(entry.category).or_insert(0) += 1;
    }
    let allowed: usize =
        counts.iter().filter(|(category, _)| category.is_harmless()).map(|(_, n)| n).sum();
    let dangerous: usize =
        counts.iter().filter(|(category, _)| category.is_dangerous()).map(|(_, n)| n).sum();
    assert!(allowed >= 1_500 && dangerous >= 600, "{allowed} allowed, {dangerous} dangerous");
    let lines: Vec<_> =
        counts.iter().map(|(category, count)| format!("{category:20} {count:5}")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn categories_have_the_names_of_the_data() {
    for category in Category::ALL {
        let text = category.to_string();
        assert!(text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{text}");
        assert_ne!(
            category.is_harmless() || category == Category::Unknown,
            category.is_dangerous()
        );
        assert!(category.severity(Use::Import) <= category.severity(Use::Call));
    }
}

proptest! {
    #[test]
    fn any_name_gets_a_judgement(module in "\\PC{0,40}", name in "\\PC{0,60}", called: bool) {
        let how = if called { Use::Call } else { Use::Import };
        let judgement = Catalog::embedded().judge(&module, &name, how);
        prop_assert!(judgement.severity >= Severity::Low || judgement.rule == Rule::Exact);
    }

    #[test]
    fn a_dangerous_module_below_another_name_stays_dangerous(
        prefix in "[a-z]{1,8}(\\.[a-z]{1,8}){0,3}",
        target in prop::sample::select(vec!["os.system", "builtins.eval", "subprocess.run", "sys.modules"]),
    ) {
        let name = format!("{prefix}.{target}");
        let judgement = Catalog::embedded().judge("anything", &name, Use::Import);
        prop_assert!(judgement.severity >= Severity::High, "{name}: {judgement:?}");
    }
}
