"""Models of tables: skops, XGBoost, LightGBM, CatBoost and PMML."""

import json
import struct

from archives import Entry, zip_files, zip_of
from pickle_asm import system


def build(corpus):
    skops(corpus)
    xgboost(corpus)
    lightgbm(corpus)
    catboost(corpus)
    pmml(corpus)


def skops_node(module, name, loader="ObjectNode", content=None, **more):
    return {"__class__": name, "__module__": module, "__loader__": loader, "content": content if content is not None else {}, "__id__": 1, **more}


def schema(root):
    return json.dumps({**root, "protocol": 2, "_skops_version": "0.11.0"}).encode()


def skops(corpus):
    number = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "1.0", "is_json": True, "__id__": 2}
    state = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {"C": number}, "key_types": {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": [], "__id__": 4}, "__id__": 3}
    model = skops_node("sklearn.linear_model._logistic", "LogisticRegression", content=state)
    corpus.benign("skops-logistic.skops", "skops", "a logistic regression", zip_files({"schema.json": schema(model), "1.npy": b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(127) + b"\n" + bytes(8)}))
    numpy_function = skops_node("numpy", "log1p", "FunctionNode", {"module_path": "numpy", "function": "log1p"})
    corpus.benign("skops-numpy-function.skops", "skops", "a reference to a function of numpy", zip_files({"schema.json": schema(numpy_function)}))
    operator = skops_node("builtins", "eval", "OperatorFuncNode", {}, attrs={"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": [], "__id__": 9})
    corpus.malicious("skops-operator-eval.skops", "skops", "OperatorFuncNode names eval: its module is not checked", zip_files({"schema.json": schema(operator)}), ["CVE-2025-54412"])
    system_node = skops_node("os", "system", "OperatorFuncNode", {}, attrs={"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": ["echo caiso"], "__id__": 9})
    corpus.malicious("skops-operator-system.skops", "skops", "OperatorFuncNode names os.system", zip_files({"schema.json": schema(system_node)}), ["CVE-2025-54412"])
    inner = skops_node("sklearn.preprocessing._data", "StandardScaler")
    method = skops_node("sklearn.preprocessing._data", "StandardScaler", "MethodNode", {"func": "__init__", "obj": inner})
    walk = skops_node("builtins", "dict", "MethodNode", {"func": "__builtins__", "obj": skops_node("builtins", "dict", "MethodNode", {"func": "__globals__", "obj": method})})
    corpus.malicious("skops-method-globals.skops", "skops", "MethodNodes walk to the builtins of a module", zip_files({"schema.json": schema(walk)}), ["CVE-2025-54413"])
    untrusted = skops_node("os", "system", "MethodNode", {"func": "system", "obj": skops_node("os", "os", "ObjectNode")})
    corpus.malicious("skops-method-system.skops", "skops", "a MethodNode names os.system", zip_files({"schema.json": schema(untrusted)}), ["CVE-2025-54413"])
    mismatch = skops_node("sklearn.linear_model._logistic", "LogisticRegression", "MethodNode", {"func": "__reduce__", "obj": inner})
    corpus.malicious("skops-method-mismatch.skops", "skops", "a MethodNode whose class differs from its object's", zip_files({"schema.json": schema(mismatch)}), ["CVE-2025-54413"])
    corpus.malicious("skops-is-joblib.skops", "skops", "a pickle named as skops: the card loads it by joblib", system(), ["CVE-2025-54886"])
    corpus.malicious("skops-card-folder", "skops", "a model card beside a joblib file that the card loads", {"README.md": b"---\nlibrary_name: sklearn\nmodel_file: model.pkl\n---\n# Model\n", "config.json": b'{"sklearn": {"model": {"file": "model.pkl"}, "model_format": "skops"}}\n', "model.pkl": system()}, ["CVE-2025-54886"])
    typed = skops_node("os", "system", "TypeNode")
    corpus.malicious("skops-type-system.skops", "skops", "a TypeNode names os.system", zip_files({"schema.json": schema(typed)}))
    corpus.malicious("skops-function-popen.skops", "skops", "a FunctionNode names subprocess.Popen", zip_files({"schema.json": schema(skops_node("subprocess", "Popen", "FunctionNode", {"module_path": "subprocess", "function": "Popen"}))}))
    corpus.suspicious("skops-unknown-type.skops", "skops", "an object of the author's package", zip_files({"schema.json": schema(skops_node("acme.models", "Net"))}))
    corpus.suspicious("skops-unknown-loader.skops", "skops", "a loader that skops does not have", zip_files({"schema.json": schema(skops_node("sklearn.base", "BaseEstimator", "AcmeNode"))}))
    corpus.malicious("skops-extra-pickle.skops", "skops", "a pickle with a payload beside the schema", zip_files({"schema.json": schema(model), "2.pkl": system()}))
    doubled = zip_of([Entry("schema.json", schema(model)), Entry("schema.json", schema(operator))])
    corpus.malicious("skops-two-schemas.skops", "skops", "two schemas, the second names eval", doubled, ["CVE-2025-54412"])


def ubj(value):
    """Universal Binary JSON as XGBoost writes it."""
    if isinstance(value, dict):
        return b"{" + b"".join(_ubj_key(key) + ubj(item) for key, item in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b"".join(ubj(item) for item in value) + b"]"
    if isinstance(value, str):
        return b"S" + _ubj_key(value)
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if isinstance(value, int):
        return b"L" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"d" + struct.pack(">f", value)
    return b"Z"


def _ubj_key(text):
    data = text.encode()
    return b"L" + struct.pack(">q", len(data)) + data


def booster(trees=1, **tree):
    node = {
        "base_weights": [0.0], "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "default_left": [0], "id": 0, "left_children": [-1], "loss_changes": [0.0], "parents": [2147483647], "right_children": [-1],
        "split_conditions": [0.1], "split_indices": [0], "split_type": [0], "sum_hessian": [1.0],
        "tree_param": {"num_deleted": "0", "num_feature": "2", "num_nodes": "1", "size_leaf_vector": "1"}, **tree,
    }
    return {
        "learner": {
            "attributes": {"best_iteration": "0"}, "feature_names": [], "feature_types": [],
            "gradient_booster": {"model": {"gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(trees)}, "iteration_indptr": [0, 1], "tree_info": [0], "trees": [node]}, "name": "gbtree"},
            "learner_model_param": {"base_score": "5E-1", "boost_from_average": "1", "num_class": "0", "num_feature": "2", "num_target": "1"},
            "objective": {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}},
        },
        "version": [2, 1, 4],
    }


def xgboost(corpus):
    def text(value):
        return json.dumps(value).encode()
    corpus.benign("booster.json", "xgboost json", "one tree", text(booster()))
    corpus.benign("booster.ubj", "xgboost ubj", "one tree", ubj(booster()))
    names = booster()
    names["learner"]["feature_names"] = ["eval", "os.system"]
    corpus.benign("booster-names.json", "xgboost json", "features named like functions", text(names))
    def bad(name, kind, about, data):
        return corpus.suspicious(name, kind, about, data)
    bad("booster-tree-count.json", "xgboost json", "a count of trees beyond the list", text(booster(2147483647)))
    bad("booster-tree-count.ubj", "xgboost ubj", "a count of trees beyond the list", ubj(booster(2147483647)))
    huge = {"num_deleted": "0", "num_feature": "2", "num_nodes": "2147483647", "size_leaf_vector": "1"}
    bad("booster-node-count.json", "xgboost json", "a count of nodes beyond the lists", text(booster(tree_param=huge)))
    bad("booster-child-outside.json", "xgboost json", "a child that is no node", text(booster(left_children=[999999], right_children=[-7])))
    bad("booster-cycle.json", "xgboost json", "a node that is its own child", text(booster(left_children=[0], right_children=[0])))
    negative = booster()
    negative["learner"]["learner_model_param"]["num_feature"] = "-1"
    bad("booster-negative.json", "xgboost json", "a negative count of features", text(negative))
    bad("booster-deep.json", "xgboost json", "lists nested 50,000 deep", b'{"learner":' + b"[" * 50000 + b"]" * 50000 + b',"version":[2,1,4]}')
    bad("booster-cut.json", "xgboost json", "cut in the middle", text(booster())[:600])
    count = ubj(booster()).replace(_ubj_key("categories") + b"[]", _ubj_key("categories") + b"[$L#L" + struct.pack(">q", 1 << 60))
    bad("booster-array-claims.ubj", "xgboost ubj", "a typed array that claims 2^60 elements", count)
    length = ubj(booster()).replace(b"S" + _ubj_key("gbtree"), b"SL" + struct.pack(">q", 1 << 60) + b"gbtree")
    bad("booster-text-claims.ubj", "xgboost ubj", "a text that claims 2^60 bytes", length)
    bad("booster-negative-length.ubj", "xgboost ubj", "a negative length", b"{L" + struct.pack(">q", -1) + b"learner{}}")
    corpus.malicious("booster-pickle-tail.ubj", "xgboost ubj", "a payload after the model", ubj(booster()) + system())
    corpus.malicious("booster-pickle-tail.json", "xgboost json", "a payload after the model", text(booster()) + b"\n" + system())
    corpus.malicious("booster-is-pickle.json", "pickle", "a pickle named as a booster", system())
    corpus.malicious("booster-is-pickle.ubj", "pickle", "a pickle named as a booster in binary", system(2))


LIGHTGBM = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=regression
feature_names={names}
feature_infos=[0:1] [0:1]
tree_sizes={size}

Tree=0
num_leaves={leaves}
num_cat=0
split_feature=0
split_gain=1
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=0.1 0.2
leaf_weight=1 1
leaf_count=1 1
internal_value=0
internal_weight=0
internal_count=2
is_linear=0
shrinkage=1


end of trees

feature_importances:
{names}=1

parameters:
[boosting: gbdt]
[objective: regression]
{more}
end of parameters

pandas_categorical:null
"""


def lightgbm(corpus):
    def text(names="a b", size=None, leaves=2, more="[machines: ]"):
        whole = LIGHTGBM.format(names=names, size=0, leaves=leaves, more=more)
        tree = whole.index("end of trees") - whole.index("Tree=0")
        return LIGHTGBM.format(names=names, size=tree if size is None else size, leaves=leaves, more=more).encode()

    corpus.benign("lightgbm.txt", "lightgbm", "one tree", text())
    corpus.benign("lightgbm-names.txt", "lightgbm", "features named like functions", text(names="eval exec"))
    corpus.suspicious("lightgbm-leaves.txt", "lightgbm", "a count of leaves beyond the lists", text(leaves=2147483647))
    corpus.suspicious("lightgbm-negative.txt", "lightgbm", "a negative count of leaves", text(leaves=-5))
    corpus.suspicious("lightgbm-size.txt", "lightgbm", "the size of a tree lies outside of the file", text(size=1 << 60))
    corpus.suspicious("lightgbm-child.txt", "lightgbm", "a child that is no node", text().replace(b"left_child=-1", b"left_child=99999"))
    corpus.suspicious("lightgbm-cut.txt", "lightgbm", "cut in a tree", text()[:300])
    corpus.malicious("lightgbm-pickle-tail.txt", "lightgbm", "a payload after the model", text() + system(0))


def catboost(corpus):
    corpus.suspicious("catboost-size.cbm", "catboost", "the size of the core lies outside of the file", b"CBM1" + struct.pack("<I", 0xFFFFFFF0) + bytes(64))
    corpus.suspicious("catboost-root.cbm", "catboost", "the root of the core lies outside of it", b"CBM1" + struct.pack("<I", 64) + b"\xf0\xff\xff\x7f" + bytes(60))
    corpus.suspicious("catboost-cut.cbm", "catboost", "cut after the magic", b"CBM1\x40")
    corpus.malicious("catboost-pickle-tail.cbm", "catboost", "a payload after the core", b"CBM1" + struct.pack("<I", 64) + b"\x04\0\0\0" + bytes(60) + system())
    corpus.malicious("catboost-is-pickle.cbm", "pickle", "a pickle named as CatBoost", system())


PMML = """<?xml version="1.0" encoding="UTF-8"?>
{doctype}<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
 <Header><Application name="caiso" version="1"/>{header}</Header>
 <DataDictionary numberOfFields="2"><DataField name="x" optype="continuous" dataType="double"/><DataField name="eval" optype="continuous" dataType="double"/></DataDictionary>
 <RegressionModel functionName="regression" modelName="{name}">{model}
  <MiningSchema><MiningField name="x"/><MiningField name="eval" usageType="target"/></MiningSchema>
  <RegressionTable intercept="1"><NumericPredictor name="x" coefficient="2"/></RegressionTable>
 </RegressionModel>
</PMML>
"""


def pmml(corpus):
    def text(doctype="", header="", name="m", model=""):
        return PMML.format(doctype=doctype, header=header, name=name, model=model).encode()

    corpus.benign("regression.pmml", "pmml", "a regression", text())
    corpus.benign("regression-extension.pmml", "pmml", "an extension that only names a time", text(header='<Extension extender="caiso" name="created" value="2025-01-01"/>'))
    corpus.malicious("external-entity.pmml", "pmml", "an external entity reads a file", text('<!DOCTYPE PMML [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n', name="&x;"))
    corpus.malicious("parameter-entity.pmml", "pmml", "a parameter entity fetches a definition", text('<!DOCTYPE PMML [<!ENTITY % x SYSTEM "https://caiso.invalid/x.dtd"> %x;]>\n'))
    corpus.malicious("external-definition.pmml", "pmml", "the document type is fetched from an address", text('<!DOCTYPE PMML SYSTEM "https://caiso.invalid/x.dtd">\n'))
    levels = '<!ENTITY a0 "caiso">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    corpus.suspicious("entity-bomb.pmml", "pmml", "entities that expand to a billion words", text(f"<!DOCTYPE PMML [{levels}]>\n", name="&a9;"))
    corpus.malicious("extension-script.pmml", "pmml", "an extension holds a script", text(model='<Extension name="script" extender="python"><script language="python">import os; os.system("echo caiso")</script></Extension>'))
    corpus.malicious("extension-java.pmml", "pmml", "an extension starts a process by Java", text(model='<Extension name="init" value="java.lang.Runtime.getRuntime().exec(&quot;echo caiso&quot;)"/>'))
    corpus.malicious("stylesheet.pmml", "pmml", "a style sheet is fetched from an address", text().replace(b"?>\n", b'?>\n<?xml-stylesheet type="text/xsl" href="https://caiso.invalid/x.xsl"?>\n', 1))
    corpus.malicious("include.pmml", "pmml", "XInclude reads a file", text(header='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="file:///etc/passwd"/>'))
    corpus.suspicious("function-class.pmml", "pmml", "a function by the name of a Java class", text(model='<LocalTransformations><DerivedField name="d" optype="continuous" dataType="double"><Apply function="com.acme.Score"><FieldRef field="x"/></Apply></DerivedField></LocalTransformations>'))
    corpus.suspicious("cut.pmml", "pmml", "cut in the middle", text()[:400])
    wide = '<!DOCTYPE PMML [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'
    corpus.malicious("external-entity-utf16.pmml", "pmml", "an external entity in UTF-16", text(wide, name="&x;").decode().replace("UTF-8", "UTF-16").encode("utf-16"))
