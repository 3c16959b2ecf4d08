"""Sections of a US drug label: openFDA's field names with titles, in the order of the label.

Source: openFDA drug label fields (open.fda.gov/apis/drug/label/searchable-fields), order of 21 CFR 201.56, 201.80 and
201.66, read 2025-10.
"""

from __future__ import annotations

from typing import NamedTuple


class LabelSection(NamedTuple):
    """One section."""

    field: str
    """openFDA's name of it."""
    title: str
    parent: str | None = None
    """Field of the section whose text contains this one's, in labels of the present form."""


SECTIONS = tuple(
    LabelSection(*row)
    for row in (
        ("boxed_warning", "Boxed warning"),
        ("recent_major_changes", "Recent major changes"),
        ("active_ingredient", "Active ingredient"),
        ("purpose", "Purpose"),
        ("indications_and_usage", "Indications and usage"),
        ("dosage_and_administration", "Dosage and administration"),
        ("dosage_forms_and_strengths", "Dosage forms and strengths"),
        ("contraindications", "Contraindications"),
        ("warnings_and_cautions", "Warnings and precautions"),
        ("warnings", "Warnings"),
        ("do_not_use", "Do not use", "warnings"),
        ("ask_doctor", "Ask a doctor before use", "warnings"),
        ("ask_doctor_or_pharmacist", "Ask a doctor or pharmacist before use", "warnings"),
        ("when_using", "When using this product", "warnings"),
        ("stop_use", "Stop use", "warnings"),
        ("pregnancy_or_breast_feeding", "Pregnancy or breast feeding", "warnings"),
        ("keep_out_of_reach_of_children", "Keep out of reach of children", "warnings"),
        ("precautions", "Precautions"),
        ("general_precautions", "General precautions", "precautions"),
        ("information_for_patients", "Information for patients"),
        ("laboratory_tests", "Laboratory tests", "precautions"),
        ("adverse_reactions", "Adverse reactions"),
        ("drug_interactions", "Drug interactions"),
        ("drug_and_or_laboratory_test_interactions", "Drug and laboratory test interactions", "precautions"),
        ("use_in_specific_populations", "Use in specific populations"),
        ("pregnancy", "Pregnancy", "use_in_specific_populations"),
        ("teratogenic_effects", "Teratogenic effects", "pregnancy"),
        ("nonteratogenic_effects", "Nonteratogenic effects", "pregnancy"),
        ("labor_and_delivery", "Labor and delivery", "use_in_specific_populations"),
        ("nursing_mothers", "Nursing mothers", "use_in_specific_populations"),
        ("pediatric_use", "Pediatric use", "use_in_specific_populations"),
        ("geriatric_use", "Geriatric use", "use_in_specific_populations"),
        ("drug_abuse_and_dependence", "Drug abuse and dependence"),
        ("controlled_substance", "Controlled substance", "drug_abuse_and_dependence"),
        ("abuse", "Abuse", "drug_abuse_and_dependence"),
        ("dependence", "Dependence", "drug_abuse_and_dependence"),
        ("overdosage", "Overdosage"),
        ("description", "Description"),
        ("clinical_pharmacology", "Clinical pharmacology"),
        ("mechanism_of_action", "Mechanism of action", "clinical_pharmacology"),
        ("pharmacodynamics", "Pharmacodynamics", "clinical_pharmacology"),
        ("pharmacokinetics", "Pharmacokinetics", "clinical_pharmacology"),
        ("microbiology", "Microbiology", "clinical_pharmacology"),
        ("pharmacogenomics", "Pharmacogenomics", "clinical_pharmacology"),
        ("nonclinical_toxicology", "Nonclinical toxicology"),
        (
            "carcinogenesis_and_mutagenesis_and_impairment_of_fertility",
            "Carcinogenesis, mutagenesis, impairment of fertility",
            "nonclinical_toxicology",
        ),
        ("animal_pharmacology_and_or_toxicology", "Animal pharmacology and toxicology", "nonclinical_toxicology"),
        ("clinical_studies", "Clinical studies"),
        ("how_supplied", "How supplied"),
        ("storage_and_handling", "Storage and handling", "how_supplied"),
        ("other_safety_information", "Other safety information"),
        ("inactive_ingredient", "Inactive ingredients"),
        ("questions", "Questions"),
        ("spl_patient_package_insert", "Patient package insert"),
        ("spl_medguide", "Medication guide"),
        ("patient_medication_information", "Patient medication information"),
        ("instructions_for_use", "Instructions for use"),
        ("spl_unclassified_section", "Other"),
    )
)
"""In the order of the label. Package pictures, names and codes are left out: they say nothing of use."""
