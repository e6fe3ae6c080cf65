//! The attacks, one file each.

use crate::Attack;

caiso_core::units![Attack: fgsm, bim, pgd, tree_min, decision_tree];
