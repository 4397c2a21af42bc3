package guided

// Revision is which code of an [Engine] this is: it goes up by one whenever the same seed decides
// otherwise than before, as it does with other arms, or where a sampler that is one of them does
// (package sample, Revision). TestDecisions tells when it must.
//
//	2  the arms of PCT and of preemptions, which are samplers of revision 2, decide otherwise
//	3  the arms are others: Demote, and SURW and ReadsFrom over it, have most of the shares
//	4  delays, which are one of the arms and of revision 3, decide otherwise
const Revision = 4
