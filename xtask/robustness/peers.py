"""Attacks of Foolbox and ART under one shape: `attack(model, name, norm, eps, steps, rows, labels)`.

Each gives adversarial rows and how long it took in CPU seconds. Both also compute the gradients of the weights at every
step, which they throw away; that is a part of what they cost.
"""

import time
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")


def timed(run):
    start = time.process_time()
    result = run()
    return result, time.process_time() - start


class Single(torch.nn.Module):
    """ART hands some attacks' rows over in double precision under NumPy 2, which PyTorch refuses."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x.float())


class Foolbox:
    name = "Foolbox"

    def __init__(self, model):
        import foolbox

        self.attacks = foolbox.attacks
        self.model = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")

    def make(self, name, norm, steps, relative):
        a = self.attacks
        iterated = {"steps": steps, "rel_stepsize": relative}
        plain = {**iterated, "random_start": False}
        table = {
            ("fgsm", "linf"): lambda: a.LinfFastGradientAttack(),
            ("fgsm", "l2"): lambda: a.L2FastGradientAttack(),
            ("bim", "linf"): lambda: a.LinfBasicIterativeAttack(**iterated),
            ("bim", "l2"): lambda: a.L2BasicIterativeAttack(**iterated),
            ("pgd", "linf"): lambda: a.LinfPGD(**plain),
            ("pgd", "l2"): lambda: a.L2PGD(**plain),
            ("mifgsm", "linf"): lambda: a.LinfMomentumIterativeFastGradientMethod(
                steps=steps, rel_stepsize=relative
            ),
            ("deepfool", "l2"): lambda: a.L2DeepFoolAttack(),
            ("deepfool", "linf"): lambda: a.LinfDeepFoolAttack(),
            ("cw", "l2"): lambda: a.L2CarliniWagnerAttack(steps=1000),
            ("ead", "l1"): lambda: a.EADAttack(steps=1000),
            ("ddn", "l2"): lambda: a.DDNAttack(),
            ("fmn", "linf"): lambda: a.LInfFMNAttack(),
            ("fmn", "l1"): lambda: a.L1FMNAttack(),
            ("fmn", "l0"): lambda: a.L0FMNAttack(),
            ("hopskipjump", "l2"): lambda: a.HopSkipJumpAttack(steps=steps),
            ("boundary", "l2"): lambda: a.BoundaryAttack(steps=steps),
        }
        return table[name, norm]()

    def attack(self, name, norm, eps, steps, relative, rows, labels):
        attack = self.make(name, norm, steps, relative)
        rows, labels = torch.tensor(rows), torch.tensor(labels)
        torch.manual_seed(0)
        (_, clipped, _), seconds = timed(lambda: attack(self.model, rows, labels, epsilons=eps))
        return clipped.numpy(), seconds


class Art:
    name = "ART"

    def __init__(self, model, shape, classes):
        from art.estimators.classification import PyTorchClassifier

        self.model = PyTorchClassifier(
            Single(model), torch.nn.CrossEntropyLoss(), shape, classes, clip_values=(0.0, 1.0),
            device_type="cpu",
        )

    def make(self, name, norm, eps, steps, relative):
        from art.attacks import evasion as a

        power = {"linf": np.inf, "l2": 2, "l1": 1}.get(norm)
        many = {"eps": eps, "batch_size": 1024, "verbose": False}
        if eps is not None:
            many["eps_step"] = eps * (relative or 0.1)
        table = {
            "fgsm": lambda: a.FastGradientMethod(self.model, norm=power, eps=eps, batch_size=1024),
            "bim": lambda: a.BasicIterativeMethod(self.model, max_iter=steps, **many),
            "pgd": lambda: a.ProjectedGradientDescentPyTorch(
                self.model, norm=power, max_iter=steps, num_random_init=0, **many
            ),
            "deepfool": lambda: a.DeepFool(self.model, batch_size=1024, verbose=False),
            "cw": lambda: a.CarliniL2Method(
                self.model, batch_size=1024, max_iter=50, binary_search_steps=6, verbose=False
            ),
            "ead": lambda: a.ElasticNet(self.model, batch_size=1024, max_iter=100, verbose=False),
            "apgd-ce": lambda: a.AutoProjectedGradientDescent(
                self.model, norm=power, eps=eps, eps_step=2 * eps, max_iter=steps,
                nb_random_init=1, batch_size=1024, loss_type="cross_entropy", verbose=False,
            ),
            "square": lambda: a.SquareAttack(
                self.model, norm=power, eps=eps, max_iter=steps, batch_size=1024, verbose=False
            ),
            "hopskipjump": lambda: a.HopSkipJump(
                self.model, norm=power, max_iter=steps, verbose=False
            ),
            "boundary": lambda: a.BoundaryAttack(
                self.model, targeted=False, max_iter=steps, verbose=False
            ),
            "jsma": lambda: a.SaliencyMapMethod(self.model, verbose=False),
            "zoo": lambda: a.ZooAttack(self.model, max_iter=steps, verbose=False),
        }
        return table[name]()

    def attack(self, name, norm, eps, steps, relative, rows, labels):
        attack = self.make(name, norm, eps, steps, relative)
        # In most attacks `y` is the true label; in JSMA it would be the target.
        truth = None if name == "jsma" else np.asarray(labels)
        np.random.seed(0)
        torch.manual_seed(0)
        return timed(lambda: attack.generate(rows, y=truth))
