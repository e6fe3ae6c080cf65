//! Which package of the Python Package Index a name means.

/// Modules whose package has another name, and names that files use for their makers.
#[rustfmt::skip] // One line each.
const PACKAGES: &[(&str, &str)] = &[
    ("PIL", "pillow"),
    ("coremltools", "coremltools"),
    ("cv2", "opencv-python"),
    ("lightning", "lightning"),
    ("pytorch", "torch"),
    ("pytorch_lightning", "pytorch-lightning"),
    ("pytorch-lightning", "pytorch-lightning"),
    ("sentence_transformers", "sentence-transformers"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("sklearn-onnx", "skl2onnx"),
    ("tf2onnx", "tf2onnx"),
    ("yaml", "pyyaml"),
];

/// Packages whose modules have the same name.
const SAME: &[&str] = &[
    "catboost",
    "chex",
    "cloudpickle",
    "dask",
    "diffusers",
    "dill",
    "einops",
    "fairseq",
    "fastai",
    "flax",
    "gensim",
    "imblearn",
    "jax",
    "jaxlib",
    "joblib",
    "keras",
    "lightgbm",
    "mlflow",
    "mlxtend",
    "ngboost",
    "nltk",
    "numba",
    "numpy",
    "onnx",
    "onnxmltools",
    "onnxruntime",
    "openvino",
    "optax",
    "pandas",
    "peft",
    "polars",
    "prophet",
    "pyarrow",
    "safetensors",
    "scikit-learn",
    "scipy",
    "shap",
    "skl2onnx",
    "skops",
    "skorch",
    "spacy",
    "statsmodels",
    "tensorflow",
    "timm",
    "tokenizers",
    "torch",
    "torchaudio",
    "torchvision",
    "transformers",
    "ultralytics",
    "xgboost",
];

/// The package that a Python module, or its first part, belongs to, or that a file means when it names its
/// maker; `None` for names that are not known.
pub fn package_of_module(name: &str) -> Option<&'static str> {
    let first = name.split('.').next().unwrap_or(name);
    let renamed = PACKAGES.iter().find(|(module, _)| module.eq_ignore_ascii_case(first));
    let package = renamed.map(|(_, package)| *package);
    let package =
        package.or_else(|| SAME.iter().copied().find(|same| same.eq_ignore_ascii_case(first)));
    package.map(|package| if package == "imblearn" { "imbalanced-learn" } else { package })
}

/// The package and version of a text such as `pytorch 2.6.0`.
pub(super) fn package_and_version(text: &str) -> Option<(&'static str, Option<&str>)> {
    let mut words = text.split_whitespace();
    let package = package_of_module(words.next()?)?;
    let version =
        words.next().filter(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    Some((package, version))
}
