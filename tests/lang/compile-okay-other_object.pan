object template compile-okay-other_object;

'/from_other' = value('other:/data/list');
'/whole' = value('other:/data/name');
'/absent' = value('other:/nothing', 'fallback');
'/there' = exists('other:/data');
