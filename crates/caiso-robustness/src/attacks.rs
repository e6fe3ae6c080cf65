//! The attacks, one file each.

use crate::Attack;

caiso_core::units![Attack: fgsm, bim, pgd, boundary, geoda, hopskipjump, noise, signopt, simba, zoo];
