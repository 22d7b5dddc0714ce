extension Sheet {
    /// The catalogue.
    static let all = [
        Sheet(
            id: "cuillin", title: "The Cuillin", place: "Isle of Skye", kind: .walking, scale: 25_000, price: 12.90,
            about: "Eleven summits over 900 metres on one ridge, with the scrambles graded and the bad steps marked.",
            reviews: [
                Review(
                    name: "Morag", stars: 5,
                    text: "Got us off the ridge in cloud. The paper survived; we nearly did not."),
                Review(name: "Piet", stars: 4, text: "Every boulder is on it. I wish the bog were."),
            ]),
        Sheet(
            id: "tramuntana", title: "Serra de Tramuntana", place: "Mallorca", kind: .walking, scale: 25_000,
            price: 11.90,
            about:
                "Dry stone paths, springs and refuges between Andratx and Pollença, walked and corrected every spring.",
            reviews: [Review(name: "Núria", stars: 5, text: "The springs are where it says they are. That is rare.")]),
        Sheet(
            id: "vagar", title: "Vágar", place: "Faroe Islands", kind: .walking, scale: 20_000, price: 14.50,
            about: "The lake above the ocean, the drowned stacks, and which fields belong to the sheep."),
        Sheet(
            id: "buttermere", title: "Buttermere & Crummock", place: "Lake District", kind: .walking, scale: 25_000,
            price: 10.90, about: "Two lakes, one round of an afternoon, and every way up Haystacks but the wrong one.",
            reviews: [Review(name: "Alfred", stars: 4, text: "I should have drawn it by hand, but this will do.")]),
        Sheet(
            id: "lofoten", title: "Lofoten, West", place: "Norway", kind: .sea, scale: 50_000, price: 24.50,
            about: "From Å to Leknes with soundings, lights and the currents of the Moskstraumen hour by hour.",
            reviews: [Review(name: "Ingrid", stars: 5, text: "Hangs over the stove of the boat. Still legible.")]),
        Sheet(
            id: "morbihan", title: "Golfe du Morbihan", place: "Brittany", kind: .sea, scale: 20_000, price: 22.90,
            about: "Forty islands and a tide that runs at nine knots between them. Drying heights in green.",
            reviews: [
                Review(name: "Yann", stars: 4, text: "Read the tide table on the back before you look at the front."),
                Review(name: "Soazig", stars: 3, text: "Correct, but folds against the wind."),
            ]),
        Sheet(
            id: "laguna", title: "Laguna di Venezia", place: "Italy", kind: .sea, scale: 50_000, price: 21.50,
            about: "Channels, bricole and mudflats from Chioggia to Torcello, for boats that draw less than a metre."),
        Sheet(
            id: "silvretta", title: "Silvretta", place: "Austria", kind: .winter, scale: 25_000, price: 16.90,
            about: "Ski routes from hut to hut, slopes over 30 degrees shaded, glaciers as they were last autumn.",
            reviews: [Review(name: "Resi", stars: 5, text: "The shading is honest. We turned round, and were right.")]),
        Sheet(
            id: "ortler", title: "Ortler", place: "South Tyrol", kind: .winter, scale: 25_000, price: 16.90,
            about: "King Ortler and his court: Cevedale, Königspitze, and the long run down to Sulden."),
        Sheet(
            id: "lyngen", title: "Lyngen", place: "Norway", kind: .winter, scale: 50_000, price: 17.50,
            about: "From the summit to the fjord on skis, with the landings where the boat can wait."),
        Sheet(
            id: "tranquillitatis", title: "Mare Tranquillitatis", place: "The near side", kind: .moon, scale: 1_000_000,
            price: 32.00, about: "Printed in four greys on heavy stock. Includes one car park, unattended since 1969.",
            reviews: [Review(name: "M. C.", stars: 4, text: "I only saw it from above, but it looks right.")]),
        Sheet(
            id: "tycho", title: "Tycho", place: "The southern highlands", kind: .moon, scale: 500_000, price: 29.00,
            about: "A crater of 85 kilometres and its rays. Best read at a low sun."),
    ]
}
