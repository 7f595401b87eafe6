"""The words that made-up people, practices and addresses are put together from. None describes a real person."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES_F = _words(
    """Abigail Aisha Alicia Amanda Amy Ana Angela Anita Anna Ashley Barbara Beatriz Beth Brenda Caitlin Carmen Carol
    Catherine Chloe Christina Claire Courtney Danielle Deborah Denise Diana Elena Elizabeth Emily Erin Eva Fatima
    Gabriela Grace Hannah Heather Helen Irene Jacqueline Janet Jasmine Jennifer Jessica Joanna Julia Karen Katherine
    Keiko Kimberly Laura Lauren Leah Leticia Linda Lisa Lucia Madison Margaret Maria Marisol Megan Melissa Mei
    Michelle Monica Nadia Nancy Naomi Natalie Nicole Olivia Pamela Patricia Priya Rachel Rebecca Rosa Ruth Samantha
    Sandra Sara Shannon Sofia Soo-Jin Stephanie Susan Tara Teresa Thuy Tiffany Tracy Uma Valerie Vanessa Veronica
    Victoria Wendy Yolanda Yuki Zoe"""
)

FIRST_NAMES_M = _words(
    """Aaron Adam Ahmed Alan Albert Alejandro Alexander Amir Andrew Anthony Antonio Arjun Benjamin Brandon Brian Bruce
    Carlos Charles Christopher Craig Daniel David Derek Diego Donald Douglas Edward Eric Ernesto Ethan Evan Felix
    Francisco Frank Gary George Gerald Gregory Hector Henry Hiroshi Ian Isaac Jacob James Jason Javier Jeffrey Jerome
    Jin-Ho John Jonathan Jorge Jose Joseph Joshua Juan Justin Keith Kenneth Kevin Kyle Lawrence Leonard Luis Marcus
    Mark Martin Matthew Michael Miguel Minh Mohammed Nathan Neil Nicholas Omar Oscar Patrick Paul Peter Philip Rafael
    Raj Raymond Ricardo Richard Robert Roger Ronald Ryan Samuel Scott Sean Sergei Stephen Steven Terrence Thomas
    Timothy Todd Trevor Tyler Victor Vikram Walter Wei William Zachary"""
)

LAST_NAMES = _words(
    """Abbott Acosta Adams Ahmadi Aldridge Allen Alvarez Andersen Archer Arnold Atkins Bailey Baker Banerjee Barnes
    Barrett Bauer Becker Bell Bennett Berg Bishop Blackwell Blake Bond Bowman Brady Brandt Brennan Briggs Brooks
    Browning Bryant Burke Burns Byrne Caldwell Campbell Cantu Carlson Carr Carver Castillo Chambers Chandra Chang
    Chapman Chavez Chen Cheng Cho Choi Christensen Clark Clayton Cohen Coleman Conway Cooper Cortez Costa Crawford
    Cruz Cunningham Dalton Daniels Das Davenport Davidson Dawson Delgado Desai Diaz Dixon Dominguez Donovan Dougherty
    Doyle Drake Duarte Dunn Eaton Edwards Elliott Ellis Erickson Espinoza Estrada Evans Farrell Feldman Ferguson
    Fernandez Fischer Fitzgerald Fleming Flores Foster Fowler Franklin Fraser Friedman Fuentes Gallagher Garcia
    Gardner Garrett Gibson Gill Goldberg Gomez Gonzalez Goodwin Graham Greene Griffin Gupta Gutierrez Hall Hamilton
    Hansen Hardy Harper Harrington Harris Hassan Hayes Henderson Hernandez Higgins Hoang Hoffman Holloway Holmes Hong
    Hopkins Huang Hubbard Hughes Hunter Hussain Ibrahim Iyer Jackson Jacobs James Jenkins Jensen Jimenez Johnston
    Jordan Joshi Kane Kaplan Kapoor Keller Kelly Kennedy Khan Kim Klein Knight Kowalski Kramer Kumar Lambert Larsen
    Lawson Le Lee Leonard Levine Lewis Li Lin Lindgren Liu Lopez Lowe Lucero Lynch Macdonald Mahoney Maldonado Malik
    Marsh Martinez Mathur Matthews Mccarthy Mcdowell Mckenna Medina Mehta Mendoza Meyer Mills Mitchell Molina Moore
    Morales Moreno Morgan Moss Mullins Murphy Myers Nakamura Navarro Nelson Newman Ngo Nguyen Nolan Norris Novak Obrien
    Okafor Olsen Ortega Ortiz Osborne Owens Pacheco Padilla Page Park Parker Patel Patterson Paulson Payne Pearson
    Pennington Perez Perry Pham Phillips Pierce Pineda Porter Powers Prescott Quinn Rahman Ramirez Ramos Randall Rao
    Reed Reese Reyes Reynolds Rhodes Rivera Robbins Roberts Robinson Rodgers Rojas Romero Rosenberg Ross Rossi Rowe
    Rubin Ruiz Russo Ryan Salazar Sanchez Sanders Sato Saunders Sawyer Schmidt Schneider Schultz Schwartz Serrano Shah
    Sharma Shaw Shepherd Silva Simmons Singh Sloan Snyder Solis Sorensen Spencer Stanton Stein Stephens Stewart Stone
    Sullivan Suzuki Swanson Takahashi Tanaka Tate Thornton Torres Tran Trujillo Tucker Underwood Valdez Vance Vargas
    Vasquez Vaughn Vega Velasquez Villanueva Vo Wagner Walsh Walters Wang Warren Watkins Weaver Webb Weber Weiss Wells
    Werner West Whitaker Wilcox Wilkins Winters Wong Wu Yamamoto Yang Yates Young Yu Zamora Zhang Zimmerman"""
)

STREETS = _words(
    """Oak Maple Main Park Cedar Elm Washington Lake Hill Walnut Spring Ridge Church Willow Mill River Sunset Jackson
    Cherry Highland Forest Jefferson Center Chestnut Franklin Meadow Madison Spruce Lincoln Adams Broad College
    Magnolia Harbor Orchard Prospect Monroe Valley Summit Birch Dogwood Fairview Laurel Liberty Locust Pleasant
    Poplar Sycamore Union Windsor Arbor Canyon Colonial Garden Grove Hawthorne Heritage Juniper Kingston
    Lakeview Linden Mulberry Northgate Palmetto Parkway Pinecrest Quarry Regency Rosewood Sherwood Stonebridge
    Tanglewood Vineyard Westover Whispering Woodland"""
)
STREET_TYPES = ("St", "St", "St", "Ave", "Ave", "Rd", "Rd", "Blvd", "Dr", "Dr", "Ln", "Pkwy", "Hwy", "Ct", "Way", "Pl")
DIRECTIONS = ("N", "S", "E", "W", "NW", "SW")

BRANDS = _words(
    """Bright Gentle Family Advanced Modern Premier Smile Pearl Harbor Sunrise Evergreen Blue Cornerstone Heritage
    Lakeside Riverside Parkside Summit Canyon Coastal Prairie Magnolia Cedar Oakwood Willow Maple Laurel Silver Golden
    Crystal Compass Anchor Bayview Hillcrest Northside Southside Westgate Eastbrook Midtown Uptown Village Valley
    Meadow Stonebridge Ridgeview Liberty Beacon Horizon Aspen Juniper"""
)
BRAND_NOUNS = (
    "Dental",
    "Dental Care",
    "Dental Group",
    "Family Dentistry",
    "Smiles",
    "Dental Arts",
    "Dental Associates",
    "Dentistry",
    "Dental Studio",
    "Dental Center",
)
LEGAL_FORMS = ("PC", "LLC", "PLLC", "INC", "PA", "P.C.", "PLLC.", "DDS PC", "DMD PLLC", "L.L.C.")
DENTAL_CHAINS = (
    "TALLGRASS DENTAL PARTNERS, LLC",
    "MERIDIAN SMILES MANAGEMENT, INC.",
    "COPPERLEAF DENTAL HOLDINGS LLC",
    "NORTHSTAR ORAL HEALTH GROUP, INC",
)
OFFICIAL_TITLES = ("OWNER", "PRESIDENT", "CEO", "OWNER/DENTIST", "OFFICE MANAGER", "MANAGING MEMBER", "VP", "CFO")
PAYERS = ("DELTA DENTAL", "BLUE CROSS BLUE SHIELD", "METLIFE", "UNITED CONCORDIA", "AETNA DMO/PPO", "GUARDIAN")
