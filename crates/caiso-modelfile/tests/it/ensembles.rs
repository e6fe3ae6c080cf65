//! XGBoost, LightGBM, CatBoost.

use caiso_modelfile::Format;
use proptest::prelude::*;

use crate::run::{assert_clean, input, lines, run, survives};

const XGB: &str = include_str!("../fixtures/xgboost/classifier.json");
const XGB_UBJ: &[u8] = include_bytes!("../fixtures/xgboost/classifier.ubj");
const XGB_REGRESSOR: &[u8] = include_bytes!("../fixtures/xgboost/regressor.ubj");
const XGB_LINEAR: &str = include_str!("../fixtures/xgboost/linear.json");
const XGB_DART: &str = include_str!("../fixtures/xgboost/dart.json");
const LGB: &str = include_str!("../fixtures/lightgbm/binary.txt");
const LGB_LINEAR: &str = include_str!("../fixtures/lightgbm/linear.txt");
const LGB_MULTICLASS: &str = include_str!("../fixtures/lightgbm/multiclass.txt");
const CAT: &[u8] = include_bytes!("../fixtures/catboost/symmetric.cbm");
const CAT_LOSSGUIDE: &[u8] = include_bytes!("../fixtures/catboost/lossguide.cbm");
const CAT_COUNTS: &[u8] = include_bytes!("../fixtures/catboost/counts.cbm");
const CAT_JSON: &[u8] = include_bytes!("../fixtures/catboost/symmetric.json");

const NONE: [&str; 0] = [];

#[test]
fn what_the_packages_write_is_clean() {
    for model in [XGB.as_bytes(), XGB_UBJ, XGB_LINEAR.as_bytes(), XGB_DART.as_bytes()] {
        assert_clean("model", model, Format::XgBoost);
        assert_eq!(lines("model", model), NONE);
    }
    assert_clean("model.ubj", XGB_REGRESSOR, Format::XgBoost);
    for model in [LGB, LGB_LINEAR, LGB_MULTICLASS] {
        assert_clean("model.txt", model.as_bytes(), Format::LightGbm);
        assert_eq!(lines("model.txt", model.as_bytes()), NONE);
    }
    for model in [CAT, CAT_LOSSGUIDE, CAT_COUNTS] {
        assert_clean("model.cbm", model, Format::CatBoost);
        assert_eq!(lines("model.cbm", model), NONE);
    }
    assert_clean("model.json", CAT_JSON, Format::CatBoost);
}

#[test]
fn both_forms_of_xgboost_are_described_alike() {
    let facts = |bytes: &[u8]| {
        let mut facts = run("MF-ID-001", &input("model", bytes)).unwrap().facts;
        facts.remove("sha256");
        facts
    };
    let json = facts(XGB.as_bytes());
    assert_eq!(json, facts(XGB_UBJ));
    insta::assert_json_snapshot!("xgboost_facts", json);
    insta::assert_json_snapshot!("lightgbm_facts", facts(LGB_MULTICLASS.as_bytes()));
    let catboost = facts(CAT_COUNTS);
    assert_eq!(catboost["trees"], "3");
    assert_eq!(catboost["categorical features"], "1");
    assert_eq!(catboost["catboost version"], "tags/v1.2.10");
    assert!(catboost["training parameters"].contains("\"iterations\":3"));
}

/// The findings after a change that has to hit.
fn xgboost(from: &str, to: &str) -> Vec<String> {
    assert!(XGB.contains(from), "{from}");
    lines("model.json", XGB.replacen(from, to, 1).as_bytes())
}

#[test]
fn contradictions_in_xgboost_are_found() {
    let left = r#""left_children":[1,3,5,-1,-1,-1,-1]"#;
    let tree = ["MF-XGB-001 high tree 0"];
    assert_eq!(xgboost(left, r#""left_children":[0,3,5,-1,-1,-1,-1]"#), tree);
    assert_eq!(xgboost(left, r#""left_children":[1,3,9,-1,-1,-1,-1]"#), tree);
    assert_eq!(xgboost(left, r#""left_children":[1,3,-7,-1,-1,-1,-1]"#), tree);
    assert_eq!(xgboost(left, r#""left_children":[1,3,5,4,-1,-1,-1]"#), tree);
    assert_eq!(
        xgboost(r#""split_indices":[0,1,1,0,0,0,0]"#, r#""split_indices":[0,1,4,0,0,0,0]"#),
        tree
    );
    assert_eq!(
        xgboost(r#""num_nodes":"7""#, r#""num_nodes":"-7""#),
        vec!["MF-XGB-001 medium tree 0"; 5]
    );
    assert_eq!(
        xgboost(r#""num_trees":"3""#, r#""num_trees":"2000000000""#),
        ["MF-XGB-001 medium trees"]
    );
    assert_eq!(
        xgboost(r#""tree_info":[0,0,0]"#, r#""tree_info":[0,7,0]"#),
        ["MF-XGB-001 high tree_info"]
    );
    assert_eq!(
        xgboost(r#""iteration_indptr":[0,1,2,3]"#, r#""iteration_indptr":[0,1,9,3]"#),
        ["MF-XGB-001 high iteration_indptr"]
    );
    assert_eq!(
        xgboost(r#""num_feature":"4","num_target""#, r#""num_feature":"-4","num_target""#)
            .first()
            .unwrap(),
        "MF-XGB-001 high num_feature"
    );
    assert_eq!(xgboost(r#""binary:logistic""#, r#""mine""#), ["MF-XGB-001 low objective"]);
    let categories =
        XGB_DART.replacen(r#""categories_sizes":[2]"#, r#""categories_sizes":[2000]"#, 1);
    assert_eq!(lines("m.json", categories.as_bytes()), ["MF-XGB-001 high tree 1"]);
}

#[test]
fn what_lies_behind_ubjson_is_looked_at() {
    let input = input("model.ubj", &[XGB_UBJ, b"\x7fELF\x02\x01\x01"].concat());
    assert_eq!(input.tree.nodes.len(), 2);
    assert_eq!(input.tree.nodes[1].readings[0].format, Format::Executable);
}

fn lightgbm(from: &str, to: &str) -> Vec<String> {
    assert!(LGB_MULTICLASS.contains(from), "{from}");
    lines("model.txt", LGB_MULTICLASS.replacen(from, to, 1).as_bytes())
}

#[test]
fn contradictions_in_lightgbm_are_found() {
    let tree = ["MF-LGB-001 high tree 0"];
    assert_eq!(lightgbm("left_child=1 2 -1", "left_child=0 2 -1"), tree);
    assert_eq!(lightgbm("left_child=1 2 -1", "left_child=1 7 -1"), tree);
    assert_eq!(lightgbm("left_child=1 2 -1", "left_child=1 2 -9"), tree);
    assert_eq!(lightgbm("split_feature=1 2 2", "split_feature=1 2 4"), tree);
    assert_eq!(lightgbm("num_cat=0", "num_cat=7"), tree);
    assert_eq!(lightgbm("tree_sizes=546", "tree_sizes=999"), ["MF-LGB-001 high tree_sizes"]);
    assert_eq!(lightgbm("tree_sizes=546 ", "tree_sizes="), ["MF-LGB-001 high tree_sizes"]);
    assert_eq!(
        lightgbm("max_feature_idx=3", "max_feature_idx=1").first().unwrap(),
        "MF-LGB-001 medium feature_names"
    );
    assert_eq!(
        lightgbm("objective=multiclass", "objective=mineclass"),
        ["MF-LGB-001 low objective"]
    );
    let cut = input("model.txt", &LGB.as_bytes()[..LGB.len() / 3]);
    assert!(cut.tree.gaps().next().is_some());
}

#[test]
fn contradictions_in_catboost_are_found() {
    let trailing = [CAT, b"\x7fELF\x02\x01\x01"].concat();
    assert!(lines("m.cbm", &trailing).contains(&"MF-CAT-001 medium end".to_owned()));
    let mut longer = CAT.to_vec();
    longer[4] ^= 0xff;
    longer[5] |= 0x80;
    assert_eq!(lines("m.cbm", &longer), ["MF-CAT-001 high core"]);
    assert_eq!(lines("m.cbm", b"CBM1\x04\0\0\0\xff\xff\0\0"), ["MF-CAT-001 high core"]);
    // Wherever a length or an offset is replaced by one that is too large, something is said.
    let found = (0..CAT.len() - 8)
        .filter(|at| {
            let mut damaged = CAT.to_vec();
            damaged[*at..*at + 4].copy_from_slice(&0x00ff_ffff_u32.to_le_bytes());
            lines("m.cbm", &damaged).iter().any(|line| line.contains("high"))
        })
        .count();
    assert!(found > 20, "{found} places");
    let json = String::from_utf8(CAT_JSON.to_vec()).unwrap();
    let one_value = json.replacen("\"leaf_values\":", "\"leaf_values\":[1], \"old\":", 1);
    assert_eq!(lines("m.json", one_value.as_bytes()), ["MF-CAT-001 high tree 0"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_models_never_panic(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        for model in [XGB.as_bytes(), XGB_UBJ, LGB_MULTICLASS.as_bytes(), CAT, CAT_LOSSGUIDE, CAT_JSON] {
            let at = at.index(model.len());
            let mut damaged = model.to_vec();
            damaged[at] = byte;
            survives("model", &damaged);
            survives("model", &model[..at]);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for start in [&b"CBM1\x40\0\0\0"[..], b"{L", b"tree\nversion=", b"{\"learner\":{\"gradient_booster\":"] {
            survives("model", &[start, &bytes].concat());
        }
    }
}
