//! The attacks, one file each.

use crate::Attack;

caiso_core::units![
    Attack:
    fgsm,
    bim,
    pgd,
    mifgsm,
    apgd_ce,
    apgd_dlr,
    apgd_t,
    fgsm_minimal,
    deepfool,
    ddn,
    fmn,
    cw,
    ead,
    jsma,
    lowprofool,
    pgd_ls,
    universal,
    nes,
    transfer,
    hopskipjump,
    boundary,
    geoda,
    signopt,
    simba,
    zoo,
    tree_min,
    decision_tree,
    pointwise,
    noise,
    corruption,
    spatial,
    patch,
];
